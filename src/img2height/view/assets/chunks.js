// The data of the page. A page from disk may not read files, but it may load scripts: each calls `received`.
"use strict";

const TILE = 512;
const MOST_DECODED = 96; // tiles of half a megabyte
const awaited = new Map(); // by key: what to call with the value of a script that is being loaded
const decoded = new Map(); // by key: promises of tiles of heights, the most recently used last

function received(key, value) {
  awaited.get(key)?.(value);
}

/** Return the promise of a value that `Chunks.save` wrote; null for a tile without a valid pixel. */
function load(key) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `data/${key}.js`;
    const done = () => { awaited.delete(key); script.remove(); };
    script.onload = done;
    script.onerror = () => { done(); reject(new Error(`data/${key}.js cannot be loaded`)); };
    const earlier = awaited.get(key);
    awaited.set(key, value => { earlier?.(value); resolve(value); });
    document.head.append(script);
  });
}

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** Return the promise of a tile of heights {codes, first, step}, or null; see `encoded_heights` for the codes. */
function heightTile(key) {
  const tile = decoded.get(key) ?? load(key).then(decode);
  decoded.delete(key);
  decoded.set(key, tile);
  if (decoded.size > MOST_DECODED) decoded.delete(decoded.keys().next().value);
  return tile;
}

async function decode(chunk) {
  if (!chunk) return null;
  const stream = new Blob([bytesOf(chunk.data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const codes = new Uint16Array(TILE * TILE);
  for (let index = 0, code = 0; index < codes.length; index++) {
    code = (code + planes[index] + (planes[index + codes.length] << 8)) & 0xffff;
    codes[index] = code;
  }
  return { codes, first: chunk.first, step: chunk.step };
}

/** Return the height of a pixel of a tile in metres, NaN where it is missing. */
function metres(tile, index) {
  const code = tile === null ? 0 : tile.codes[index];
  return code === 0 ? NaN : (tile.first + code - 1) * tile.step / 100;
}

/** Return the promise of the height of a pixel of the scene, from its tile at full resolution. */
async function heightAt(layer, column, row) {
  const tile = await heightTile(`${layer}/0-${Math.floor(column / TILE)}-${Math.floor(row / TILE)}`);
  return metres(tile, (row % TILE) * TILE + column % TILE);
}
