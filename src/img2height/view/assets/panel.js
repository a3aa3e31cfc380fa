// Controls, legend, scale and readout around the maps.
"use strict";

const LAYERS = ["image", "reference", "prediction", "error"];
const element = id => document.getElementById(id);
const text = (tag, textContent, more = {}) => Object.assign(document.createElement(tag), { textContent }, more);
const minus = string => string.replace("-", "−");
const fixed = (value, digits) => (Number.isFinite(value) ? minus(value.toFixed(digits)) : "–");
const signed = value => (Number.isFinite(value) ? (value > 0 ? "+" : "") + minus(value.toFixed(2)) : "–");

function fillSelect(select, names, chosen) {
  select.replaceChildren(...names.map((name, index) => new Option(name, index, false, index === chosen)));
  select.closest("label").hidden = names.length < 2;
}

/** Write the choice of layers of a side; `change` receives the chosen one. */
function fillLayers(side, available, chosen, change) {
  const group = element(`${side}-layers`);
  const choices = LAYERS.filter(layer => available.includes(layer)).map(layer => {
    const label = text("label", ""), input = Object.assign(document.createElement("input"),
      { type: "radio", name: side, value: layer, checked: layer === chosen });
    input.addEventListener("change", () => change(layer));
    label.append(input, text("span", layer));
    return label;
  });
  group.replaceChildren(group.querySelector("legend"), ...choices);
}

function showLegend(entries) {
  element("legend").replaceChildren(...entries.map(({ title, scale, ends }) => {
    const figure = document.createElement("figure"), bar = text("div", "", { className: "bar" });
    bar.style.background = scale.gradient;
    const ticks = text("div", "", { className: "ticks" });
    const middle = (scale.low + scale.high) / 2;
    ticks.append(...[scale.low, middle, scale.high].map((value, index) => {
      const number = minus(String(Number(value.toFixed(1))));
      return text("span", (index === 0 ? ends[0] : index === 2 ? ends[1] : "") + number);
    }));
    figure.append(text("figcaption", title), bar, ticks);
    return figure;
  }));
}

function showScale(map, frame) {
  const metresPerPixel = frame.pixel_m / 2 ** (map.getZoom() - ZOOM);
  const most = 120 * metresPerPixel, power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map(step => step * power).find(round => round <= most);
  const bar = element("scale");
  bar.style.width = `${length / metresPerPixel}px`;
  bar.firstElementChild.textContent = length >= 1000 ? `${length / 1000} km` : `${Number(length.toPrecision(1))} m`;
}

function showValues(rows) {
  element("values").replaceChildren(...rows.flatMap(([name, value]) => [text("dt", name), text("dd", value)]));
}

function showPlace(frame, column, row) {
  const [a, b, c, d, e, f] = frame.transform;
  const inside = column >= 0 && row >= 0 && column < frame.width && row < frame.height;
  const map = `${(a * column + b * row + c).toFixed(1)} E  ${(d * column + e * row + f).toFixed(1)} N`;
  element("place").textContent = inside ? `${map}${frame.crs ? `  ${frame.crs}` : ""}` : "";
}

function showBuilding(feature) {
  const card = element("building");
  card.hidden = !feature;
  if (!feature) return;
  const { height, reference, predicted, error, area } = feature.properties;
  const rows = predicted === null || predicted === undefined
    ? [["predicted", height], ["reference, median inside", reference]]
    : [["reference, median inside", height], ["predicted, median inside", predicted]];
  const list = document.createElement("dl");
  for (const [name, value] of rows) list.append(text("dt", name), text("dd", `${fixed(value, 2)} m`));
  list.append(text("dt", "error"), text("dd", `${signed(error)} m`));
  if (Number.isFinite(area)) list.append(text("dt", "area"), text("dd", `${Math.round(area)} m²`));
  card.replaceChildren(text("h2", "Building"), list);
}

function showAbout(scene) {
  const { source, licence, vertical_reference: heights } = scene.about;
  const parts = [source, licence && `licence: ${licence}`, heights && `heights: ${heights}`, scene.frame.note];
  element("about").textContent = [scene.title, ...parts].filter(Boolean).join(" · ");
}

function report(error) {
  element("state").textContent = error.message;
  document.body.dataset.state = "failed";
}
