// The tiles that the map library asks for, painted from the data of the page.
"use strict";

const PROTOCOL = "img2height";
const ZOOM = 16; // at which a pixel of the scene is a pixel of a tile, see frame.py
const SMALLER = 2; // levels after the first that is a single tile, see tiles.py
const WORLD = TILE * 2 ** ZOOM;
const paintings = []; // what is painted, by the number in the address of a tile

maplibregl.addProtocol(PROTOCOL, async ({ url }) => {
  const [number, zoom, x, y] = url.slice(PROTOCOL.length + 3).split("/").map(Number);
  const painting = paintings[number], level = painting.zoom - zoom, origin = 2 ** (zoom - 1);
  const side = TILE * 2 ** level;
  const inside = (x - origin) * side < painting.width && (y - origin) * side < painting.height;
  const image = inside && await painting.paint(`${level}-${x - origin}-${y - origin}`, level);
  return { data: image || await createImageBitmap(new ImageData(1, 1)) };
});

/** Return a raster source of the map library; `paint` returns the promise of an image, or null if it is empty. */
function tileSource(frame, refined, paint) {
  const zoom = ZOOM + refined, width = frame.width * 2 ** refined, height = frame.height * 2 ** refined;
  const number = paintings.push({ zoom, width, height, paint }) - 1;
  const [west, north] = lngLat(0, 0).toArray(), [east, south] = lngLat(frame.width, frame.height).toArray();
  return {
    type: "raster", tiles: [`${PROTOCOL}://${number}/{z}/{x}/{y}`], tileSize: TILE,
    minzoom: zoom - lastLevel(width, height), maxzoom: zoom, bounds: [west, south, east, north],
  };
}

/** Return the last level of the tiles of a raster. */
function lastLevel(width, height) {
  return Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / TILE))) + SMALLER;
}

/** Return the position on the map of pixel coordinates of a scene. */
function lngLat(column, row) {
  return new maplibregl.MercatorCoordinate(0.5 + column / WORLD, 0.5 + row / WORLD).toLngLat();
}

/** Return the pixel coordinates [column, row] of a position on the map. */
function pixelOf(position) {
  const { x, y } = maplibregl.MercatorCoordinate.fromLngLat(position);
  return [(x - 0.5) * WORLD, (y - 0.5) * WORLD];
}

function pictureSource(scene) {
  return tileSource(scene.frame, scene.picture.refined, async name => {
    const chunk = await load(`${scene.data}/picture/${name}`);
    return chunk && createImageBitmap(new Blob([bytesOf(chunk.data)], { type: "image/webp" }));
  });
}

function heightSource(scene, layer, scale, shaded) {
  return tileSource(scene.frame, 0, async (name, level) => {
    const tile = await heightTile(`${layer}/${name}`);
    if (!tile) return null;
    const shade = shaded ? shades(tile, scene.frame.pixel_m * 2 ** level) : null;
    return painted(index => metres(tile, index), scale, shade);
  });
}

function errorSource(scene, predicted, reference, scale) {
  return tileSource(scene.frame, 0, async name => {
    const [ours, truth] = await Promise.all([predicted, reference].map(layer => heightTile(`${layer}/${name}`)));
    return ours && truth && painted(index => metres(ours, index) - metres(truth, index), scale, null);
  });
}

/** Return a source of the surface that layers are draped over; missing heights lie at `low`, its floor. */
function surfaceSource(scene, layer, low) {
  const source = tileSource(scene.frame, 0, async name => {
    const tile = await heightTile(`${layer}/${name}`), image = new ImageData(TILE, TILE);
    for (let index = 0; index < TILE * TILE; index++) {
      const above = 100 * (metres(tile, index) - low), centimetres = above > 0 ? Math.round(above) : 0;
      image.data.set([centimetres >> 16, (centimetres >> 8) & 255, centimetres & 255, 255], 4 * index);
    }
    return createImageBitmap(image);
  });
  const factors = { redFactor: 655.36, greenFactor: 2.56, blueFactor: 0.01, baseShift: 0 };
  return { ...source, type: "raster-dem", encoding: "custom", ...factors };
}

/** Return the promise of an image of values; missing ones are transparent. */
function painted(valueAt, scale, shade) {
  const image = new ImageData(TILE, TILE), pixels = image.data;
  for (let index = 0; index < TILE * TILE; index++) {
    const value = valueAt(index);
    if (Number.isNaN(value)) continue;
    const colour = scale.at(value), at = 4 * index;
    for (let channel = 0; channel < 3; channel++) {
      const plain = scale.table[colour + channel];
      pixels[at + channel] = shade ? lit(plain, shade[index]) : plain;
    }
    pixels[at + 3] = 255;
  }
  return createImageBitmap(image);
}
