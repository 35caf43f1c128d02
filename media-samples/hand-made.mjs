// What no tool here makes, byte by byte; run by make-samples. Each picture is the same: a corner each of red, green, blue and
// yellow, as in "corners" there, so that a test sees whether it stands upright and in its own colours.
import { readFileSync, writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";

const colors = [[200, 30, 30], [30, 160, 30], [40, 60, 200], [230, 200, 40]];
const [width, height] = [96, 64];
const cornerAt = (x, y) => (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
const isHole = (x, y) => Math.hypot(x - width / 2, y - height / 2) < 16;

const u8 = (...numbers) => Buffer.from(numbers);
const u16 = (...numbers) => Buffer.concat(numbers.map(n => u8(n >> 8 & 255, n & 255)));
const u32 = (...numbers) => Buffer.concat(numbers.map(n => u16(n >>> 16, n & 65535)));
const little16 = (...numbers) => Buffer.concat(numbers.map(n => u8(n & 255, n >> 8 & 255)));
const text = words => Buffer.from(words, "latin1");
const join = (...parts) => Buffer.concat(parts.flat(Infinity));
const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

// ---------------------------------------------------------------- colours

const toLinear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const fromLinear = v => v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055;
const times = (matrix, vector) => matrix.map(row => row.reduce((sum, m, i) => sum + m * vector[i], 0));
const linear = color => color.map(v => toLinear(v / 255));
const clamp = (v, most) => Math.max(0, Math.min(most, Math.round(v)));

// From sRGB's primaries to those of Display P3, both under D65.
const toP3 = color => times([[0.822462, 0.177538, 0], [0.033194, 0.966806, 0], [0.017083, 0.072397, 0.91052]], linear(color)).map(v => fromLinear(v) * 255);

// Under D50, as ICC profiles have it.
const toLab = color => {
  const xyz = times([[0.436075, 0.385065, 0.14308], [0.222505, 0.716879, 0.060617], [0.013932, 0.097105, 0.714173]], linear(color));
  const [x, y, z] = xyz.map((v, i) => Math.cbrt(v / [0.9642, 1, 0.8249][i]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
};

// ICC.1:2010. Tags in the order given, each on a multiple of four.
const profile = (version, kind, space, connection, tags) => {
  let at = 128 + 4 + 12 * tags.length;
  const table = [], bodies = [];
  for (const [name, body] of tags) {
    const padded = join(body, Buffer.alloc(-body.length & 3));
    table.push(text(name), u32(at, body.length));
    bodies.push(padded);
    at += padded.length;
  }
  const header = Buffer.alloc(128);
  u32(at).copy(header, 0);
  u32(version << 24).copy(header, 8);
  text(kind + space + connection).copy(header, 12);
  u16(2001, 2, 3, 4, 5, 6).copy(header, 24);
  text("acsp").copy(header, 36);
  u32(0xf6d6, 0x10000, 0xd32d).copy(header, 68);
  return join(header, u32(tags.length), table, bodies);
};
const words = say => join(text("mluc"), u32(0, 1, 12), text("enUS"), u32(2 * say.length, 28), Buffer.from(say, "utf16le").swap16());
const oldWords = say => join(text("desc"), u32(0, say.length + 1), text(say), Buffer.alloc(1 + 78));
const fixed = (...numbers) => u32(...numbers.map(n => Math.round(n * 65536) >>> 0));
const xyz = (...numbers) => join(text("XYZ "), u32(0), fixed(...numbers));
const curve = join(text("para"), u32(0), u16(3, 0), fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045));
const displayP3 = profile(4, "mntr", "RGB ", "XYZ ", [
  ["desc", words("CANARY-ICC Display P3")], ["cprt", words("CANARY-ICC-COPYRIGHT")], ["wtpt", xyz(0.9642, 1, 0.8249)],
  ["rXYZ", xyz(0.51512, 0.2412, -0.00105)], ["gXYZ", xyz(0.29198, 0.69225, 0.04189)], ["bXYZ", xyz(0.1571, 0.06657, 0.78407)],
  ["rTRC", curve], ["gTRC", curve], ["bTRC", curve]]);

// A press whose four inks are our four colours: who reads the numbers as cyan, magenta, yellow and black sees other corners.
const inks = range(0, 16).map(mix => mix === 0 ? [255, 255, 255] : [8, 4, 2, 1].includes(mix) ? colors[3 - Math.log2(mix)] : [0, 0, 0]);
const straight = u8(...range(0, 256));
const press = profile(2, "prtr", "CMYK", "Lab ", [
  ["desc", oldWords("CANARY-ICC press")], ["cprt", join(text("text"), u32(0), text("CANARY-ICC-COPYRIGHT\0"))], ["wtpt", xyz(0.9642, 1, 0.8249)],
  ["A2B0", join(text("mft1"), u32(0), u8(4, 3, 2, 0), fixed(1, 0, 0, 0, 1, 0, 0, 0, 1), straight, straight, straight, straight,
    inks.map(toLab).map(([l, a, b]) => u8(clamp(l * 2.55, 255), clamp(a + 128, 255), clamp(b + 128, 255))), straight, straight, straight)]]);

// ---------------------------------------------------------------- JPEG (ITU T.81): every sample where it is, codes of one length

const marker = (code, ...parts) => {
  const body = join(...parts);
  return join(u8(0xff, code), u16(body.length + 2), body);
};
const zigzag = range(0, 64).sort((a, b) => {
  const [ax, ay, bx, by] = [a % 8, a >> 3, b % 8, b >> 3];
  return ax + ay - bx - by || ((ax + ay) % 2 ? ay - by : ax - bx);
});
const step = 4;
const transform = (plane, left, top) => zigzag.map(place => {
  const [u, v] = [place % 8, place >> 3];
  let sum = 0;
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++)
      sum += (plane(left + x, top + y) - 128) * Math.cos((2 * x + 1) * u * Math.PI / 16) * Math.cos((2 * y + 1) * v * Math.PI / 16);
  return Math.round(sum / 4 * (u ? 1 : Math.SQRT1_2) * (v ? 1 : Math.SQRT1_2) / step);
});

const jpeg = (planes, { isProgressive = false, segments = [] } = {}) => {
  const blocks = planes.map(plane => range(0, width * height / 64).map(i => transform(plane, i * 8 % width, Math.floor(i * 8 / width) * 8)));
  const coefficients = range(0, 256).filter(s => (s & 15) <= 10 && ((s & 15) > 0 || s === 0 || s === 0xf0));
  const scan = (components, from, to) => {
    let bits = "";
    const put = (value, length) => { if (length > 0) bits += value.toString(2).padStart(length, "0"); };
    const size = v => v === 0 ? 0 : Math.floor(Math.log2(Math.abs(v))) + 1;
    const putValue = v => put(v > 0 ? v : v + (1 << size(v)) - 1, size(v));
    const last = components.map(() => 0);
    for (let i = 0; i < blocks[0].length; i++)
      components.forEach((component, c) => {
        const block = blocks[component][i];
        if (from === 0) {
          const difference = block[0] - last[c];
          last[c] = block[0];
          put(size(difference), 4);
          putValue(difference);
        }
        let zeros = 0;
        for (let k = Math.max(1, from); k <= to; k++) {
          if (block[k] === 0) { zeros++; continue; }
          for (; zeros > 15; zeros -= 16) put(coefficients.indexOf(0xf0), 8);
          put(coefficients.indexOf(zeros << 4 | size(block[k])), 8);
          putValue(block[k]);
          zeros = 0;
        }
        if (zeros > 0 && to > 0) put(coefficients.indexOf(0), 8);
      });
    const bytes = [];
    for (const byte of bits.match(/.{1,8}/g) ?? []) {
      bytes.push(parseInt(byte.padEnd(8, "1"), 2));
      if (bytes.at(-1) === 0xff) bytes.push(0);
    }
    return join(marker(0xda, u8(components.length), components.map(c => u8(c + 1, 0)), u8(from, to, 0)), u8(...bytes));
  };
  const all = planes.map((_, i) => i);
  return join(
    u8(0xff, 0xd8), segments,
    marker(0xdb, u8(0, ...Array(64).fill(step))),
    marker(isProgressive ? 0xc2 : 0xc0, u8(8), u16(height, width), u8(planes.length), all.map(c => u8(c + 1, 0x11, 0))),
    marker(0xc4, u8(0, 0, 0, 0, 12), Buffer.alloc(12), u8(...range(0, 12))),
    marker(0xc4, u8(0x10), Buffer.alloc(7), u8(coefficients.length), Buffer.alloc(8), u8(...coefficients)),
    isProgressive ? [scan(all, 0, 0), ...all.flatMap(c => [scan([c], 1, 5), scan([c], 6, 63)])] : scan(all, 0, 63),
    u8(0xff, 0xd9));
};
const note = marker(0xfe, text("CANARY-JPEGCOMMENT"));
const icc = bytes => marker(0xe2, text("ICC_PROFILE\0"), u8(1, 1), bytes);
const yellowish = palette => [
  (x, y) => times([[0.299, 0.587, 0.114]], palette[cornerAt(x, y)])[0],
  (x, y) => times([[-0.168736, -0.331264, 0.5]], palette[cornerAt(x, y)])[0] + 128,
  (x, y) => times([[0.5, -0.418688, -0.081312]], palette[cornerAt(x, y)])[0] + 128];
writeFileSync("photo-progressive.jpg", jpeg(yellowish(colors), { isProgressive: true, segments: [note] }));
writeFileSync("photo-grey.jpg", jpeg([(x, y) => [60, 120, 180, 240][cornerAt(x, y)]], { segments: [note] }));
writeFileSync("photo-display-p3.jpg", jpeg(yellowish(colors.map(toP3)), { segments: [icc(displayP3), note] }));
// Adobe's marker says that there is no transform, and by custom that ink is counted backwards.
writeFileSync("photo-cmyk.jpg", jpeg(range(0, 4).map(ink => (x, y) => cornerAt(x, y) === ink ? 0 : 255),
  { segments: [marker(0xee, text("Adobe"), u16(100, 0, 0), u8(0)), icc(press), note] }));

// ---------------------------------------------------------------- PNG (RFC 2083)

const chunk = (name, ...parts) => {
  const body = join(text(name), ...parts);
  return join(u32(body.length - 4), body, u32(crc32(body)));
};
const png = (depth, type, pixel, chunks = []) => join(
  u8(0x89), text("PNG\r\n\x1a\n"), chunk("IHDR", u32(width, height), u8(depth, type, 0, 0, 0)), chunks,
  chunk("IDAT", deflateSync(join(range(0, height).map(y => [u8(0), ...range(0, width).map(x => pixel(x, y))].flat())))), chunk("IEND"));
const exif = orientation => join(text("MM\0*"), u32(8), u16(2, 0x10f, 2), u32(12, 38), u16(0x112, 3), u32(1), u16(orientation, 0), u32(0), text("CANARY-EXIF\0"));
const xmp = text('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="CANARY-XMP"/></rdf:RDF></x:xmpmeta>');
const notes = [
  chunk("tEXt", text("Author\0CANARY-TEXT")), chunk("zTXt", text("Comment\0\0"), deflateSync(text("CANARY-ZTXT"))),
  chunk("iTXt", text("Title\0\0\0\0\0CANARY-ITXT")), chunk("iTXt", text("XML:com.adobe.xmp\0\0\0\0\0"), xmp), chunk("eXIf", exif(1)), chunk("tIME", u16(2001), u8(2, 3, 4, 5, 6))];
const deep = palette => (x, y) => u16(...palette[cornerAt(x, y)].map(v => clamp(v * 257, 65535)));
writeFileSync("photo-16bit.png", png(16, 2, deep(colors), notes));
writeFileSync("photo-grey-alpha.png", png(8, 4, (x, y) => u8([60, 120, 180, 240][cornerAt(x, y)], isHole(x, y) ? 0 : 255), notes));
writeFileSync("photo-palette.png", png(8, 3, (x, y) => u8(isHole(x, y) ? 4 : cornerAt(x, y)), [chunk("PLTE", u8(...colors.flat(), 0, 0, 0)), chunk("tRNS", u8(255, 255, 255, 255, 0)), ...notes]));
// By numbers: P3 as ITU-T H.273 counts it; another green, as Adobe RGB has it, and the gamma of old Macs.
const toAdobe = color => times([[0.715126, 0.284874, 0], [0, 1, 0], [0, 0.041162, 0.958838]], linear(color)).map(v => v ** (1 / 1.8) * 255);
writeFileSync("photo-cicp.png", png(16, 2, deep(colors.map(toP3)), [chunk("cICP", u8(12, 13, 0, 1)), ...notes]));
writeFileSync("photo-gamma.png", png(8, 6, (x, y) => u8(...toAdobe(colors[cornerAt(x, y)]).map(v => clamp(v, 255)), isHole(x, y) ? 0 : 255),
  [chunk("gAMA", u32(55556)), chunk("cHRM", u32(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)), ...notes]));
writeFileSync("tmp-p3.png", png(8, 2, (x, y) => u8(...toP3(colors[cornerAt(x, y)]).map(v => clamp(v, 255))), [chunk("iCCP", text("CANARY-ICC-NAME\0\0"), deflateSync(displayP3))]));
// A header that announces 65,535 x 65,535 pixels, and nothing to show for it.
writeFileSync("hostile-huge-header.png", join(
  u8(0x89), text("PNG\r\n\x1a\n"), chunk("IHDR", u32(65535, 65535), u8(8, 2, 0, 0, 0)), chunk("IDAT", deflateSync(Buffer.alloc(1000))), chunk("IEND")));

// ---------------------------------------------------------------- HEIC and AVIF (ISO 23008-12), around the first pictures of MP4s

const box = (name, ...parts) => {
  const body = join(text(name), ...parts);
  return join(u32(body.length + 4), body);
};
const picture = (kind, film, wide, high, ...properties) => {
  const filmBox = name => {
    const at = film.indexOf(name) - 4;
    return film.subarray(at, at + film.readUInt32BE(at));
  };
  return { kind, name: "picture", body: filmBox("mdat").subarray(8), properties: [box("ispe", u32(0, wide, high)), filmBox(kind === "av01" ? "av1C" : "hvcC"), ...properties] };
};
const said = orientation => [
  { kind: "Exif", name: "", body: join(u32(0), exif(orientation)), properties: [] }, { kind: "mime", name: "\0application/rdf+xml", body: xmp, properties: [] }];
// Items are numbered from 1; a reference has its name, from where, and to where.
const heif = (brands, items, references, { primary = 1, groups = [] } = {}) => {
  const start = box("ftyp", text(brands.slice(0, 4)), u32(0), text(brands));
  const properties = items.flatMap(item => item.properties);
  const withProperties = items.map((item, i) => [i + 1, item.properties.map(property => 0x80 | properties.indexOf(property) + 1)]).filter(([, own]) => own.length > 0);
  const index = offset => box("meta", u32(0),
    box("hdlr", u32(0, 0), text("pict"), u32(0, 0, 0), u8(0)),
    box("pitm", u32(0), u16(primary)),
    box("iloc", u32(0), u8(0x44, 0), u16(items.length),
      items.map(({ body }, i) => [u16(i + 1, 0, 1), u32(offset + items.slice(0, i).reduce((sum, item) => sum + item.body.length, 0), body.length)])),
    box("iinf", u32(0), u16(items.length), items.map(({ kind, name, isHidden }, i) => box("infe", u32(isHidden ? 0x2000001 : 0x2000000), u16(i + 1, 0), text(kind), text(name + "\0")))),
    box("iref", u32(0), references.map(([name, from, ...to]) => box(name, u16(from, to.length, ...to)))),
    box("iprp", box("ipco", properties), box("ipma", u32(0, withProperties.length), withProperties.map(([id, own]) => [u16(id), u8(own.length, ...own)]))),
    groups);
  return join(start, index(start.length + index(0).length + 8), box("mdat", items.map(item => item.body)));
};
// Primaries, transfer and matrix as ITU-T H.273 numbers them; whether black is 0.
const numbers = (primaries, transfer, matrix, isFull) => box("colr", text("nclx"), u16(primaries, transfer, matrix), u8(isFull ? 0x80 : 0));
const bits = (...of) => box("pixi", u32(0), u8(of.length, ...of));
const full = numbers(1, 13, 6, true);
const tmp10bit = picture("av01", readFileSync("tmp-10bit.mp4"), width, height, bits(10, 10, 10), numbers(1, 13, 1, false));
writeFileSync("photo-10bit.avif", heif("avifmif1miaf", [tmp10bit, ...said(1)], [["cdsc", 2, 1], ["cdsc", 3, 1]]));
// Colours of no profile: a phone's, a camera's in high dynamic range, and the other kind of that.
const inColors = (name, kind, film, ...properties) => writeFileSync(name, heif(`${kind}mif1miaf`, [picture(kind === "avif" ? "av01" : "hvc1", readFileSync(film), width, height, ...properties), ...said(1)], [["cdsc", 2, 1], ["cdsc", 3, 1]]));
inColors("photo-p3-by-numbers.heic", "heic", "tmp-p3.mp4", bits(8, 8, 8), numbers(12, 13, 1, true));
inColors("photo-pq.heic", "heix", "tmp-pq.mp4", bits(10, 10, 10), numbers(9, 16, 9, false));
inColors("photo-hlg.avif", "avif", "tmp-hlg.mp4", bits(10, 10, 10), numbers(9, 18, 9, false));
// Turned by a box of its own (three quarters anticlockwise), and Exif says so too, as an iPhone writes it: to be turned once.
const turn = box("irot", u8(3));
const lying = picture("hvc1", readFileSync("tmp-lying.mp4"), height, width, bits(8, 8, 8), full, turn);
writeFileSync("photo-orientation-6.heic", heif("heicmif1miaf", [lying, ...said(6)], [["cdsc", 2, 1], ["cdsc", 3, 1]]));
const beside = (...properties) => picture("hvc1", readFileSync("tmp-grey.mp4"), height, width, bits(8), ...properties);
const auxiliary = kind => box("auxC", u32(0), text(kind + "\0"));
// As iPhones write it since iOS 18: what is said of the picture and what is beside it belongs to a tone map as well.
const toneMap = { kind: "tmap", name: "", body: Buffer.alloc(62), properties: [box("ispe", u32(0, width, height)), numbers(12, 16, 6, true)] };
writeFileSync("photo-tone-map.heic", heif("heicmif1MiHEMiPrmiaftmap", [lying, ...said(6), { ...beside(auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap"), turn), isHidden: true }, toneMap],
  [["cdsc", 2, 1, 5], ["cdsc", 3, 1, 5], ["auxl", 4, 1, 5], ["dimg", 5, 1, 4]], { groups: box("grpl", box("altr", u32(0, 6, 2, 5, 1))) }));
writeFileSync("photo-second.heic", heif("heicmif1miaf", [beside(turn), lying, ...said(6)], [["cdsc", 3, 2], ["cdsc", 4, 2]], { primary: 2 }));
writeFileSync("photo-alpha.heic", heif("heicmif1miaf", [lying, ...said(6), { ...beside(auxiliary("urn:mpeg:hevc:2015:auxid:1"), turn), isHidden: true }],
  [["cdsc", 2, 1], ["cdsc", 3, 1], ["auxl", 4, 1]]));

writeFileSync("photo-premultiplied.avif", heif("avifmif1miaf", [
  picture("av01", readFileSync("tmp-halved.mp4"), width, height, bits(8, 8, 8), full),
  { ...picture("av01", readFileSync("tmp-half-clear.mp4"), width, height, bits(8), auxiliary("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")), isHidden: true },
  ...said(1)], [["auxl", 2, 1], ["prem", 1, 2], ["cdsc", 3, 1], ["cdsc", 4, 1]]));

// ---------------------------------------------------------------- GIF89a: codes of four bits, told to forget before they would grow

const gifPicture = (delay, disposal, left, top, wide, high, index) => {
  let bits = [];
  const put = code => { for (let i = 0; i < 4; i++) bits.push(code >> i & 1); };
  range(0, wide * high).forEach(i => {
    if (i % 6 === 0) put(8);
    put(index(left + i % wide, top + Math.floor(i / wide)));
  });
  put(9);
  const bytes = range(0, Math.ceil(bits.length / 8)).map(i => range(0, 8).reduce((sum, b) => sum | (bits[i * 8 + b] ?? 0) << b, 0));
  const blocks = range(0, Math.ceil(bytes.length / 255)).map(i => bytes.slice(i * 255, i * 255 + 255));
  return join(
    u8(0x21, 0xf9, 4, disposal << 2 | 1), little16(delay), u8(4, 0),
    u8(0x2c), little16(left, top, wide, high), u8(0, 3), blocks.map(block => u8(block.length, ...block)), u8(0));
};
const gif = pictures => join(
  text("GIF89a"), little16(width, height), u8(0xf2, 0, 0), u8(...colors.flat(), 0, 0, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0),
  u8(0x21, 0xfe, 18), text("CANARY-GIF-COMMENT"), u8(0), pictures, u8(0x3b));
const forever = join(u8(0x21, 0xff, 11), text("NETSCAPE2.0"), u8(3, 1, 0, 0, 0));
writeFileSync("photo.gif", gif([gifPicture(0, 0, 0, 0, width, height, cornerAt)]));
// 0.1 s, 0.5 s, no time (which everybody takes for 0.1 s) and 0.3 s; pieces with holes, each put away in another way.
writeFileSync("photo-animated.gif", gif([forever,
  gifPicture(10, 1, 0, 0, width, height, cornerAt),
  gifPicture(50, 2, 36, 24, 24, 16, (x, y) => (x + y) % 2 ? 4 : 5),
  gifPicture(0, 3, 28, 20, 40, 24, (x, y) => x % 4 < 2 ? 4 : 5),
  gifPicture(30, 0, 44, 28, 8, 8, () => 5)]));

// ---------------------------------------------------------------- AMR (RFC 4867): a second of frames at 4.75 kbit/s that hold noise

writeFileSync("tmp.amr", join(text("#!AMR\n"), range(0, 50).map(i => u8(0x04, ...range(i * 12, i * 12 + 12).map(n => n * 2654435761 >>> 13 & 255)))));
