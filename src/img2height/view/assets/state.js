// What is shown: the chosen scene, method, layers and mode, and what follows from them.
"use strict";

const SOLID = ["solid", "surface"]; // modes in 3D
const state = {
  scene: 0, method: 0, left: "image", right: "prediction", mode: "flat", colour: "height", shading: true,
};
let manifest;

const scene = () => manifest.scenes[state.scene];
const method = () => scene().methods[state.method];
const compared = () => method().reference !== null;
const referenceData = () => `${scene().data}/reference${method().reference}`;

function layersHere() {
  const there = { image: scene().picture !== null, reference: compared(), prediction: true, error: compared() };
  return LAYERS.filter(layer => there[layer]);
}

function modesHere() {
  const outlined = method().buildings || scene().footprints;
  return ["flat", ...(outlined ? ["outlines", "solid"] : []), "surface"];
}

/** Replace choices that another scene or method does not have. */
function settle() {
  for (const [side, other] of [["left", layersHere()[0]], ["right", "prediction"]]) {
    if (!layersHere().includes(state[side])) state[side] = other;
  }
  if (!modesHere().includes(state.mode)) state.mode = "flat";
  if (!compared()) state.colour = "height";
}

function scalesHere() {
  const { low_m: low, height_m: high, error_m: most } = method().scales;
  return { height: new Scale(HEIGHT_COLOURS, low, high), error: new Scale(ERROR_COLOURS, -most, most) };
}

function rasterOf(layer) {
  const { height, error } = scalesHere();
  switch (layer) {
    case "image": return pictureSource(scene());
    case "reference": return heightSource(scene(), referenceData(), height, state.shading);
    case "prediction": return heightSource(scene(), method().data, height, state.shading);
    default: return errorSource(scene(), method().data, referenceData(), error);
  }
}

/** Return the source of the surface under a layer: the reference has its own, all others lie on the prediction. */
function surfaceOf(layer) {
  if (state.mode !== "surface") return null;
  return surfaceSource(scene(), layer === "reference" ? referenceData() : method().data, method().scales.low_m);
}

/** Return the promise of the buildings on a layer, null if there are none. */
async function buildingsOf(layer) {
  if (!["outlines", "solid"].includes(state.mode)) return null;
  if (layer === "reference" && (scene().footprints || method().buildings)) return referenceBuildings(scene(), method());
  return method().buildings ? predictedBuildings(method()) : null;
}

function legendsHere() {
  const { height, error } = scalesHere(), shown = SIDES.map(side => state[side]), entries = [];
  const solid = state.mode === "solid" && state.colour;
  if (shown.some(layer => ["reference", "prediction"].includes(layer)) || solid === "height") {
    entries.push({ title: `${method().quantity} (m)`, scale: height, ends: [height.low === 0 ? "" : "≤ ", "≥ "] });
  }
  if (shown.includes("error") || solid === "error") {
    const where = solid === "error" ? "; buildings: median inside" : "";
    entries.push({ title: `prediction − reference (m)${where}`, scale: error, ends: ["≤ ", "≥ "] });
  }
  return entries;
}

/** Return the state as text, for a link to the same map. */
function addressOf(map) {
  const { center, ...view } = viewOf(map), [x, y] = pixelOf(center);
  const place = Object.entries({ x, y, ...view }).map(([name, value]) => [name, value.toFixed(2)]);
  const choice = { ...state, scene: scene().name, method: method().name };
  return `#${new URLSearchParams([...Object.entries(choice), ...place])}`;
}

/** Take the state from the address of the page; returns the view of the map, or null if the address has none. */
function recall(address) {
  const given = new URLSearchParams(address.slice(1));
  const place = (list, name) => Math.max(0, list.findIndex(item => item.name === name));
  state.scene = place(manifest.scenes, given.get("scene"));
  state.method = place(scene().methods, given.get("method"));
  for (const key of ["left", "right", "mode", "colour"]) state[key] = given.get(key) ?? state[key];
  state.shading = given.get("shading") !== "false";
  settle();
  if (!given.has("zoom")) return null;
  const [x, y, zoom, bearing, pitch] = ["x", "y", "zoom", "bearing", "pitch"].map(key => Number(given.get(key)));
  return { center: lngLat(x, y), zoom, bearing, pitch };
}
