// Two maps that move together, one on each side of a border that can be dragged.
"use strict";

const SIDES = ["left", "right"];
const maps = {};
let border = 0.5; // its place, as a share of the width

/** Create the maps; returns the promise that both have loaded their empty style. */
function createMaps() {
  for (const side of SIDES) {
    maps[side] = new maplibregl.Map({
      container: side, style: { version: 8, sources: {}, layers: [] }, attributionControl: false,
      center: [0, 0], zoom: ZOOM, maxZoom: ZOOM + 6, maxPitch: 75, centerClampedToGround: false, // as on the other side
      renderWorldCopies: false, fadeDuration: 0,
    });
    maps[side].on("error", event => report(event.error));
  }
  follow(maps.left, maps.right);
  follow(maps.right, maps.left);
  return Promise.all(SIDES.map(side => maps[side].once("load").then(() => addBuildings(maps[side]))));
}

function viewOf(map) {
  return { center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() };
}

function follow(leader, follower) {
  leader.on("move", event => {
    if (event.followed) return;
    follower.jumpTo(viewOf(leader), { followed: true });
  });
}

/** Return the promise that both maps show what they were asked to. */
function drawn() {
  return Promise.all(SIDES.map(side => new Promise(resolve => {
    maps[side].once("idle", resolve);
    maps[side].triggerRepaint();
  })));
}

/** Show a raster below the buildings, unless it is shown already; `make` returns its source. */
function showRaster(map, name, make, crisp) {
  if (map.shownRaster === name) return;
  map.shownRaster = name;
  if (map.getLayer("raster")) map.removeLayer("raster");
  if (map.getSource("raster")) map.removeSource("raster");
  map.addSource("raster", make());
  const paint = { "raster-fade-duration": 0, "raster-resampling": crisp ? "nearest" : "linear" };
  map.addLayer({ id: "raster", type: "raster", source: "raster", paint }, "inside");
}

/** Drape the layers of a map over a surface, unless they are already; flat if `make` returns null. */
function showSurface(map, name, make, perMetre) {
  if (map.shownSurface === name) return;
  map.shownSurface = name;
  map.setTerrain(null);
  if (map.getSource("surface")) map.removeSource("surface");
  const source = make();
  if (!source) return;
  map.addSource("surface", source);
  map.setTerrain({ source: "surface", exaggeration: perMetre });
}

const tilted = north => ({ pitch: 58, bearing: north - 25 });

/** Show the whole scene: flat with north up, or tilted. */
function showWhole(frame, { solid, animate }) {
  SIDES.forEach(side => maps[side].setMinZoom(ZOOM - lastLevel(frame.width, frame.height)));
  const bounds = [lngLat(0, frame.height), lngLat(frame.width, 0)];
  const { center, zoom } = maps.left.cameraForBounds(bounds, { padding: margins(), bearing: frame.north_deg });
  const angle = solid ? tilted(frame.north_deg) : { pitch: 0, bearing: frame.north_deg };
  maps.left.easeTo({ center, zoom, ...angle, duration: animate ? 600 : 0 });
}

function margins() {
  const narrow = innerWidth < 720;
  return narrow ? { top: 12, bottom: 12, left: 8, right: 8 } : { top: 60, bottom: 40, left: 40, right: 40 };
}

function moveBorder(share) {
  border = Math.min(1, Math.max(0, share));
  const place = `${100 * border}%`;
  document.getElementById("left").style.clipPath = `inset(0 ${100 - 100 * border}% 0 0)`;
  document.getElementById("right").style.clipPath = `inset(0 0 0 ${place})`;
  const handle = document.getElementById("swipe");
  handle.style.left = place;
  handle.setAttribute("aria-valuenow", Math.round(100 * border));
}

function followPointer() {
  const handle = document.getElementById("swipe");
  const move = event => {
    const { left, width } = handle.parentElement.getBoundingClientRect();
    moveBorder((event.clientX - left) / width);
  };
  handle.addEventListener("pointerdown", event => {
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", move);
  });
  handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move));
  handle.addEventListener("keydown", event => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
    if (step) moveBorder(border + step);
  });
}
