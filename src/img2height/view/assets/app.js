// Connects controls, keys and the pointer with what is shown.
"use strict";

let chosen = null; // the clicked building: side and id
let turns = 0, updated = Promise.resolve(); // the last update
let points = 0, pointing = Promise.resolve(); // the last look at the heights under the pointer

/** Show the state on both maps; an update that another one overtakes is dropped. */
async function update() {
  const turn = ++turns;
  document.body.dataset.state = "loading";
  settle();
  fillControls();
  choose(null);
  for (const side of SIDES) {
    const layer = state[side], made = layer === "image" ? "" : [method().data, state.shading];
    showRaster(maps[side], [scene().data, layer, made].join(), () => rasterOf(layer), layer !== "image");
    showSurface(maps[side], [method().data, layer, state.mode].join(), () => surfaceOf(layer), scene().frame.scale);
  }
  const buildings = await Promise.all(SIDES.map(side => buildingsOf(state[side])));
  if (turn !== turns) return;
  SIDES.forEach((side, index) => showBuildings(maps[side], buildings[index], {
    mode: state.mode, scale: scalesHere()[state.colour], property: state.colour, perMetre: scene().frame.scale,
  }));
  remember();
  await drawn();
  if (turn === turns) document.body.dataset.state = "ready";
}

function set(change) {
  Object.assign(state, change);
  updated = update();
  return updated;
}

function fillControls() {
  fillSelect(element("scene"), manifest.scenes.map(({ title }) => title), state.scene);
  fillSelect(element("method"), scene().methods.map(({ name }) => name), state.method);
  for (const side of SIDES) fillLayers(side, layersHere(), state[side], layer => set({ [side]: layer }));
  for (const option of element("mode").options) option.hidden = !modesHere().includes(option.value);
  element("mode").value = state.mode;
  element("colour").value = state.colour;
  element("colour").closest("label").hidden = state.mode !== "solid" || !compared();
  element("shading").setAttribute("aria-pressed", state.shading);
  showLegend(legendsHere());
  showAbout(scene());
}

/** Show the heights of the pixel under a position, from the tiles at full resolution; the last request wins. */
async function point(position) {
  const request = ++points, { frame } = scene(), [x, y] = pixelOf(position), [column, row] = [x, y].map(Math.floor);
  const inside = column >= 0 && row >= 0 && column < frame.width && row < frame.height;
  const layers = compared() ? [method().data, referenceData()] : [method().data];
  const [ours, truth] = await Promise.all(layers.map(layer => (inside ? heightAt(layer, column, row) : NaN)));
  if (request !== points) return;
  const rows = [["prediction", `${fixed(ours, 2)} m`]];
  if (compared()) rows.unshift(["reference", `${fixed(truth, 2)} m`]);
  if (compared()) rows.push(["error", `${signed(ours - truth)} m`]);
  showValues(rows);
  showPlace(frame, x, y);
}

function choose(side, feature = null) {
  if (chosen) maps[chosen.side].removeFeatureState({ source: "buildings" });
  chosen = feature && { side, id: feature.id };
  if (chosen) maps[side].setFeatureState({ source: "buildings", id: feature.id }, { chosen: true });
  showBuilding(feature);
}

/** Change the mode, and tilt the map for what stands in 3D. */
function setMode(mode) {
  const before = SOLID.includes(state.mode), after = SOLID.includes(mode), north = scene().frame.north_deg;
  const done = set({ mode });
  if (after && maps.left.getPitch() < 10) maps.left.easeTo({ ...tilted(north), duration: 800 });
  if (before && !after) maps.left.easeTo({ pitch: 0, bearing: north, duration: 600 });
  return done;
}

/** Change the scene, and keep the method if it was run there too. */
function setScene(number) {
  const same = manifest.scenes[number].methods.findIndex(({ name }) => name === method().name);
  const done = set({ scene: number, method: Math.max(0, same) });
  whole(false);
  return done;
}

const whole = animate => showWhole(scene().frame, { solid: SOLID.includes(state.mode), animate });
const northUp = () => maps.left.easeTo({ pitch: 0, bearing: scene().frame.north_deg });
const remember = () => history.replaceState(null, "", addressOf(maps.left));
const next = (list, current, step) => list[(list.indexOf(current) + step + list.length) % list.length];

function toggleTheme() {
  const { dataset } = document.documentElement;
  const dark = (dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  dataset.theme = dark ? "light" : "dark";
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
  const step = event.shiftKey ? -1 : 1;
  const digit = event.code.startsWith("Digit") ? event.code.slice(5) : event.key; // of any keyboard, with shift
  const layer = LAYERS[Number(digit) - 1];
  if (layer && layersHere().includes(layer)) set({ [event.shiftKey ? "left" : "right"]: layer });
  const act = {
    m: () => set({ method: next([...scene().methods.keys()], state.method, step) }),
    s: () => setScene(next([...manifest.scenes.keys()], state.scene, step)),
    b: () => setMode(next(modesHere(), state.mode, step)),
    c: () => set({ colour: state.colour === "height" ? "error" : "height" }),
    h: () => set({ shading: !state.shading }),
    d: toggleTheme,
    n: northUp,
    0: () => whole(true),
    ",": () => moveBorder(border - 0.05),
    ".": () => moveBorder(border + 0.05),
    "?": () => element("help").showModal(),
  }[event.key.toLowerCase()];
  act?.();
}

function connectControls() {
  element("scene").addEventListener("change", event => setScene(Number(event.target.value)));
  element("method").addEventListener("change", event => set({ method: Number(event.target.value) }));
  element("mode").addEventListener("change", event => setMode(event.target.value));
  element("colour").addEventListener("change", event => set({ colour: event.target.value }));
  element("shading").addEventListener("click", () => set({ shading: !state.shading }));
  element("theme").addEventListener("click", toggleTheme);
  element("keys").addEventListener("click", () => element("help").showModal());
  element("closer").addEventListener("click", () => maps.left.zoomIn());
  element("farther").addEventListener("click", () => maps.left.zoomOut());
  element("north").addEventListener("click", northUp);
  element("whole").addEventListener("click", () => whole(true));
  document.addEventListener("keydown", pressed);
}

function connectMaps() {
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
  followPointer();
  moveBorder(border);
  await createMaps();
  const view = recall(location.hash);
  connectControls();
  connectMaps();
  whole(false);
  if (view) maps.left.jumpTo(view);
  await set({});
}

const ready = start().catch(report);
