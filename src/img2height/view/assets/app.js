// What is shown, and what changes it: controls, keys and the address of the page.
"use strict";

const state = { scene: 0, method: 0, left: "image", right: "prediction", mode: "flat", colour: "height", shading: true };
let manifest, chosen = null, pointed = 0, pointing = Promise.resolve(), updated = pointing;

const SOLID = ["solid", "surface"]; // modes in 3D
const scene = () => manifest.scenes[state.scene];
const method = () => scene().methods[state.method];

function available() {
  const compared = method().reference !== null;
  return LAYERS.filter(layer => ({ image: scene().picture, prediction: true })[layer] ?? compared);
}

function modes() {
  const outlined = method().buildings || scene().footprints;
  return ["flat", ...(outlined ? ["outlines", "solid"] : []), "surface"];
}

const scales = () => {
  const { low_m: low, height_m: high, error_m: most } = method().scales;
  return { height: new Scale(HEIGHT_COLOURS, low, high), error: new Scale(ERROR_COLOURS, -most, most) };
};

function sourceOf(layer) {
  const reference = `${scene().data}/reference${method().reference}`, { height, error } = scales();
  switch (layer) {
    case "image": return pictureSource(scene());
    case "reference": return heightSource(scene(), reference, height, state.shading);
    case "prediction": return heightSource(scene(), method().data, height, state.shading);
    default: return errorSource(scene(), method().data, reference, error);
  }
}

function surfaceOf(layer) {
  const shown = layer === "reference" ? `${scene().data}/reference${method().reference}` : method().data;
  return surfaceSource(scene(), shown, method().scales.low_m);
}

async function buildingsOf(layer) {
  if (!["outlines", "solid"].includes(state.mode)) return null;
  if (layer === "reference" && (scene().footprints || method().buildings)) return referenceBuildings(scene(), method());
  return method().buildings ? predictedBuildings(method()) : null;
}

/** Show the state on both maps; the sides that changed are loaded again. */
async function update(sides = SIDES) {
  for (const side of SIDES) if (!available().includes(state[side])) state[side] = side === "left" ? available()[0] : "prediction";
  if (!modes().includes(state.mode)) state.mode = "flat";
  document.body.dataset.state = "loading";
  fillControls();
  choose(null);
  for (const side of sides) showRaster(maps[side], sourceOf(state[side]), state[side] !== "image");
  await Promise.all(SIDES.map(async side => {
    const layer = state[side], found = await buildingsOf(layer);
    showSurface(maps[side], state.mode === "surface" ? surfaceOf(layer) : null, scene().frame.scale);
    maps[side].getSource("buildings").setData(found ?? { type: "FeatureCollection", features: [] });
    showBuildings(maps[side], {
      mode: found ? state.mode : "flat", scale: scales()[state.colour], property: state.colour, perMetre: scene().frame.scale,
    });
  }));
  remember();
  await drawn();
  document.body.dataset.state = "ready";
}

function fillControls() {
  fillSelect(element("scene"), manifest.scenes.map(({ title }) => title), state.scene);
  fillSelect(element("method"), scene().methods.map(({ name }) => name), state.method);
  for (const side of SIDES) fillLayers(side, available(), state[side], layer => { state[side] = layer; updated = update([side]); });
  for (const option of element("mode").options) option.hidden = !modes().includes(option.value);
  element("mode").value = state.mode;
  element("colour").value = state.colour;
  element("colour").closest("label").hidden = state.mode !== "solid" || method().reference === null;
  element("shading").setAttribute("aria-pressed", state.shading);
  legends();
  showAbout(scene());
}

function legends() {
  const { height, error } = scales(), shown = SIDES.map(side => state[side]), entries = [];
  const solid = state.mode === "solid" && state.colour;
  if (shown.some(layer => ["reference", "prediction"].includes(layer)) || solid === "height") {
    entries.push({ title: `${method().quantity} (m)`, scale: height, ends: ["", "≥ "] });
  }
  if (shown.includes("error") || solid === "error") {
    const where = solid === "error" ? "; buildings: medians inside" : "";
    entries.push({ title: `prediction − reference (m)${where}`, scale: error, ends: ["≤ ", "≥ "] });
  }
  showLegend(entries);
}

/** Show the heights of the pixel under a position; the last request wins. */
async function point(position) {
  const request = ++pointed, [x, y] = pixelOf(position), column = Math.floor(x), row = Math.floor(y), { frame } = scene();
  showPlace(frame, x, y);
  const inside = column >= 0 && row >= 0 && column < frame.width && row < frame.height;
  const read = layer => (inside ? heightAt(layer, column, row) : NaN);
  const compared = method().reference !== null;
  const [ours, truth] = await Promise.all([read(method().data), compared ? read(`${scene().data}/reference${method().reference}`) : NaN]);
  if (request !== pointed) return;
  const rows = [["prediction", `${fixed(ours, 2)} m`]];
  if (compared) rows.unshift(["reference", `${fixed(truth, 2)} m`]);
  if (compared) rows.push(["error", `${signed(ours - truth)} m`]);
  showValues(rows);
}

function choose(side, feature = null) {
  if (chosen) maps[chosen.side].removeFeatureState({ source: "buildings" });
  chosen = feature && { side, id: feature.id };
  if (chosen) maps[side].setFeatureState({ source: "buildings", id: feature.id }, { chosen: true });
  showBuilding(feature);
}

function set(change) {
  Object.assign(state, change);
  return updated = update();
}

/** Change the mode, and tilt the map where it shows something in 3D. */
function setMode(mode) {
  const tilt = SOLID.includes(mode) && maps.left.getPitch() < 10, flat = !SOLID.includes(mode) && SOLID.includes(state.mode);
  const done = set({ mode });
  if (tilt) maps.left.easeTo({ ...TILTED, bearing: scene().frame.north_deg + TILTED.bearing, duration: 800 });
  if (flat) maps.left.easeTo({ pitch: 0, bearing: scene().frame.north_deg, duration: 600 });
  return done;
}

function setScene(number) {
  const names = method().name, same = manifest.scenes[number].methods.findIndex(({ name }) => name === names);
  const done = set({ scene: number, method: Math.max(0, same) });
  showWhole(scene().frame, { tilted: SOLID.includes(state.mode), animate: false });
  return done;
}

const next = (list, current, step) => list[(list.indexOf(current) + step + list.length) % list.length];
const cycle = (count, current, step) => (current + step + count) % count;
const digits = ["1", "2", "3", "4"], shifted = ["Digit1", "Digit2", "Digit3", "Digit4"];

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  const step = event.shiftKey ? -1 : 1, layer = LAYERS[shifted.indexOf(event.code)] ?? LAYERS[digits.indexOf(event.key)];
  if (layer) {
    if (available().includes(layer)) set({ [event.shiftKey ? "left" : "right"]: layer });
    return;
  }
  const act = {
    m: () => set({ method: cycle(scene().methods.length, state.method, step) }),
    s: () => setScene(cycle(manifest.scenes.length, state.scene, step)),
    b: () => setMode(next(modes(), state.mode, step)),
    c: () => set({ colour: next(["height", "error"], state.colour, 1) }),
    h: () => set({ shading: !state.shading }),
    d: () => toggleTheme(),
    n: () => maps.left.easeTo({ pitch: 0, bearing: scene().frame.north_deg }),
    0: () => showWhole(scene().frame, { tilted: SOLID.includes(state.mode) }),
    ",": () => moveBorder(border - 0.05),
    ".": () => moveBorder(border + 0.05),
    "?": () => element("help").showModal(),
  }[event.key.toLowerCase()];
  act?.();
}

function toggleTheme() {
  const { dataset } = document.documentElement;
  const dark = (dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  dataset.theme = dark ? "light" : "dark";
}

/** Keep the state in the address, so that a link opens the same map. */
function remember() {
  const { name } = scene(), { center, zoom } = { center: pixelOf(maps.left.getCenter()), zoom: maps.left.getZoom() };
  const values = { ...state, scene: name, method: method().name, x: center[0].toFixed(1), y: center[1].toFixed(1),
    zoom: zoom.toFixed(2), bearing: maps.left.getBearing().toFixed(1), pitch: maps.left.getPitch().toFixed(1) };
  history.replaceState(null, "", `#${new URLSearchParams(values)}`);
}

function recall() {
  const given = new URLSearchParams(location.hash.slice(1));
  const place = (list, name) => Math.max(0, list.findIndex(item => item.name === name));
  state.scene = place(manifest.scenes, given.get("scene"));
  state.method = place(scene().methods, given.get("method"));
  for (const key of ["left", "right", "mode", "colour"]) state[key] = given.get(key) ?? state[key];
  state.shading = given.get("shading") !== "false";
  showWhole(scene().frame, { tilted: SOLID.includes(state.mode), animate: false });
  if (!given.has("zoom")) return;
  const [x, y, zoom, bearing, pitch] = ["x", "y", "zoom", "bearing", "pitch"].map(key => Number(given.get(key)));
  maps.left.jumpTo({ center: lngLat(x, y), zoom, bearing, pitch });
}

function connect() {
  element("scene").addEventListener("change", event => setScene(Number(event.target.value)));
  element("method").addEventListener("change", event => set({ method: Number(event.target.value) }));
  element("mode").addEventListener("change", event => setMode(event.target.value));
  element("colour").addEventListener("change", event => set({ colour: event.target.value }));
  element("shading").addEventListener("click", () => set({ shading: !state.shading }));
  element("theme").addEventListener("click", toggleTheme);
  element("keys").addEventListener("click", () => element("help").showModal());
  element("closer").addEventListener("click", () => maps.left.zoomIn());
  element("farther").addEventListener("click", () => maps.left.zoomOut());
  element("north").addEventListener("click", () => maps.left.easeTo({ pitch: 0, bearing: scene().frame.north_deg }));
  element("whole").addEventListener("click", () => showWhole(scene().frame, { tilted: SOLID.includes(state.mode) }));
  document.addEventListener("keydown", pressed);
  for (const side of SIDES) {
    maps[side].on("mousemove", event => { pointing = point(event.lngLat); });
    maps[side].on("click", event => {
      pointing = point(event.lngLat);
      choose(side, maps[side].queryRenderedFeatures(event.point, { layers: ["inside", "solid"] })[0]);
    });
  }
  maps.left.on("move", () => {
    showScale(maps.left, scene().frame);
    element("north").style.setProperty("--turn", `${scene().frame.north_deg - maps.left.getBearing()}deg`);
  });
  maps.left.on("moveend", remember);
}

async function start() {
  manifest = await load("manifest");
  manifest.scenes.forEach((item, number) => {
    item.data = String(number);
    item.methods.forEach((made, index) => { made.data = `${number}/method${index}`; });
  });
  document.title = `${manifest.title} · img2height`;
  element("title").textContent = manifest.title;
  moveBorder(border);
  followPointer();
  await createMaps();
  connect();
  recall();
  showScale(maps.left, scene().frame);
  await update();
}

const ready = start().catch(report);
