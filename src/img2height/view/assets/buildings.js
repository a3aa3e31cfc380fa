// Building polygons as features of the map library, with the heights and errors that they are coloured by.
"use strict";

const PER_PIXEL = 100; // outlines are in hundredths of a pixel
const CHOSEN = ["boolean", ["feature-state", "chosen"], false];
const CHOSEN_COLOUR = "#ff3df2"; // in none of the colour maps
const features = new Map(); // promises by key

/** Return the promise of the predicted buildings of a method: height, reference, error. */
function predictedBuildings(method) {
  return once(`${method.data}/buildings`, async key => {
    const table = await load(key);
    return collection(table, index => difference(table.height[index], table.reference?.[index]));
  });
}

/**
 * Return the promise of the buildings of the reference: height is the reference, error that of a method inside. A scene
 * without reference footprints has those of the method, at the height of the reference.
 */
function referenceBuildings(scene, method) {
  if (!scene.footprints) {
    return once(`${method.data}/buildings-reference`, async () => {
      const table = await load(`${method.data}/buildings`);
      const { height: predicted, reference: height } = table;
      return collection({ ...table, height, predicted }, index => difference(predicted[index], height[index]));
    });
  }
  return once(`${method.data}/footprints`, async key => {
    const [table, inside] = await Promise.all([load(`${scene.data}/footprints`), load(key)]);
    const height = table.reference;
    return collection({ ...table, height, predicted: inside }, index => difference(inside[index], height[index]));
  });
}

function once(key, make) {
  if (!features.has(key)) features.set(key, make(key));
  return features.get(key);
}

function difference(ours, truth) {
  return typeof ours === "number" && typeof truth === "number" ? ours - truth : null;
}

function collection(table, errorOf) {
  const made = table.outlines.map((polygons, index) => {
    const properties = { error: errorOf(index) };
    for (const name of ["height", "reference", "predicted", "area"]) properties[name] = table[name]?.[index] ?? null;
    const coordinates = polygons.map(rings => rings.map(ringOf));
    return { type: "Feature", id: index, properties, geometry: { type: "MultiPolygon", coordinates } };
  });
  return { type: "FeatureCollection", features: made };
}

function ringOf(numbers) {
  const ring = [];
  for (let index = 0; index < numbers.length; index += 2) {
    ring.push(lngLat(numbers[index] / PER_PIXEL, numbers[index + 1] / PER_PIXEL).toArray());
  }
  return ring;
}

/** Add the layers of buildings to a map; `show` sets what they hold and how they look. */
function addBuildings(map) {
  map.setLight({ anchor: "map", position: [1.5, 315, 40], intensity: 0.25 });
  map.addSource("buildings", { type: "geojson", data: { type: "FeatureCollection", features: [] }, tolerance: 0.1 });
  map.addLayer({ id: "inside", type: "fill", source: "buildings", paint: { "fill-opacity": 0 } }); // to be clicked
  map.addLayer({
    id: "outlines", type: "line", source: "buildings",
    paint: { "line-color": ["case", CHOSEN, CHOSEN_COLOUR, "#f0e442"], "line-width": ["case", CHOSEN, 4, 1.6] },
  });
  map.addLayer({
    id: "solid", type: "fill-extrusion", source: "buildings",
    paint: { "fill-extrusion-vertical-gradient": true },
  });
}

/** Show features, or none, as outlines or standing in 3D, coloured by a property. */
function showBuildings(map, found, { mode, scale, property, perMetre }) {
  map.getSource("buildings").setData(found ?? { type: "FeatureCollection", features: [] });
  for (const [layer, shown] of [["inside", "outlines"], ["outlines", "outlines"], ["solid", "solid"]]) {
    map.setLayoutProperty(layer, "visibility", mode === shown ? "visible" : "none");
  }
  const height = ["max", 0, ["coalesce", ["get", "height"], 0]];
  map.setPaintProperty("solid", "fill-extrusion-height", ["*", perMetre, height]);
  map.setPaintProperty("solid", "fill-extrusion-color", ["case", CHOSEN, CHOSEN_COLOUR, scale.expression(property)]);
}
