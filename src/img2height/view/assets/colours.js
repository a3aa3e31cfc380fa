// Colour maps as in the report: viridis for heights, ColorBrewer's RdBu reversed for errors, at equal distances.
"use strict";

const VIRIDIS = `
  440154 46085c 471063 481769 481d6f 482475 472a7a 46307e 453781 433d84 414287 3f4889 3d4e8a
  3a538b 38598c 355e8d 33638d 31688e 2e6d8e 2c718e 2a768e 297b8e 27808e 25848e 23898e 218e8d
  20928c 1f978b 1e9c89 1fa188 21a585 24aa83 28ae80 2eb37c 35b779 3dbc74 46c06f 50c46a 5ac864
  65cb5e 70cf57 7cd250 89d548 95d840 a2da37 b0dd2f bddf26 cae11f d8e219 e5e419 f1e51d fde725`;
const RED_BLUE = "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f";
const STEPS = 512;

const anchors = text => text.trim().split(/\s+/).map(hex => [0, 2, 4].map(at => parseInt(hex.slice(at, at + 2), 16)));
const HEIGHT_COLOURS = anchors(VIRIDIS), ERROR_COLOURS = anchors(RED_BLUE);

/** A colour scale: anchors of a colour map and the values of its ends, in metres. */
class Scale {
  constructor(colours, low, high) {
    Object.assign(this, { colours, low, high });
    this.table = new Uint8Array(3 * STEPS);
    for (let step = 0; step < STEPS; step++) this.table.set(blend(colours, step / (STEPS - 1)), 3 * step);
  }

  /** Return where the colour of a value begins in the table. */
  at(value) {
    const share = (value - this.low) / (this.high - this.low);
    return 3 * Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1));
  }

  get gradient() {
    return `linear-gradient(to right, ${this.colours.map(colour => `rgb(${colour})`).join(", ")})`;
  }

  /** Return an expression of the map library for the colour of a property of a building; grey where it is missing. */
  expression(property) {
    const last = this.colours.length - 1;
    const stops = this.colours.flatMap((colour, index) =>
      [this.low + (this.high - this.low) * index / last, `rgb(${colour})`]);
    return ["case", ["==", ["typeof", ["get", property]], "number"],
      ["interpolate", ["linear"], ["get", property], ...stops], "#8c8c8c"];
  }
}

function blend(colours, share) {
  const place = share * (colours.length - 1), below = Math.min(Math.floor(place), colours.length - 2);
  return colours[below].map((value, channel) => value + (place - below) * (colours[below + 1][channel] - value));
}

/** Return how much brighter each pixel of a tile is than flat ground, by light from the north-west (Lambert). */
function shades(tile, pixelMetres) {
  const heights = Float32Array.from(tile.codes, (_, index) => metres(tile, index));
  const shade = new Float32Array(heights.length);
  const east = -0.5, north = 0.5, up = Math.SQRT1_2; // azimuth 315°, altitude 45°
  const rise = (from, to, length) => (Number.isNaN(to - from) ? 0 : (to - from) / length);
  for (let row = 0; row < TILE; row++) {
    const above = row > 0 ? -TILE : 0, below = row < TILE - 1 ? TILE : 0;
    for (let column = 0; column < TILE; column++) {
      const here = row * TILE + column, before = column > 0 ? -1 : 0, after = column < TILE - 1 ? 1 : 0;
      const right = rise(heights[here + before], heights[here + after], (after - before) * pixelMetres);
      const down = rise(heights[here + above], heights[here + below], (below - above) / TILE * pixelMetres);
      shade[here] = (up - east * right + north * down) / Math.sqrt(1 + down * down + right * right) - up;
    }
  }
  return shade;
}

/** Return a colour channel, 0 to 255, lit by soft light; 0 leaves it as it is. */
function lit(channel, shade) {
  const base = channel / 255, light = Math.min(1, Math.max(0, 0.5 + shade));
  return 255 * (2 * base * light + base * base * (1 - 2 * light));
}
