// What a page of a viewer's app does with a rendition, and what is seen of it: a clear one by its URL alone, a sealed one
// (which comes with the story's identity) decrypted as it arrives.
import { Decrypter } from 'age-encryption';

const side = 64;
const speed = 2;
const enough = { pictures: 3, seconds: 0.2 };
const patience = 20_000;
const settling = 3_000;

/** Seconds after which a first picture may come: a few frames late is harmless. */
const late = 0.1;

/** Plays a video from its beginning, seeks back to it and to the middle, and plays to the end. */
window.play = rendition => see(async (seen, stage, fail) => {
  const video = stage.appendChild(Object.assign(document.createElement('video'), { muted: true, crossOrigin: 'anonymous', defaultPlaybackRate: speed }));
  let cause = '';
  video.onerror = () => fail(new Error(`media error ${video.error.code}: ${video.error.message} ${cause}`));
  const reached = event => new Promise(done => video.addEventListener(event, done, { once: true }));

  if (rendition.identity) {
    const source = new MediaSource();
    source.onsourceopen = () => feed(source, rendition).catch(error => {
      cause = `(${error.message})`;
      // A viewer must not take what was cut off for the end.
      if (source.readyState === 'open') source.endOfStream('network');
    });
    video.src = URL.createObjectURL(source);
  } else video.src = rendition.url;

  await reached('loadeddata');
  Object.assign(seen, { width: video.videoWidth, height: video.videoHeight });

  const pictures = new Set(), canvas = newCanvas();
  while (pictures.size < enough.pictures || seen.played < enough.seconds) {
    // Begins, or begins again after a machine that was too busy to show enough of a short video.
    if (video.paused || video.ended) await video.play();
    await nextFrame();
    canvas.drawImage(video, 0, 0, side, side);
    pictures.add(canvas.canvas.toDataURL());
    Object.assign(seen, { played: Math.max(seen.played, video.currentTime), pictures: pictures.size });
  }

  video.pause();
  const shown = () => {
    const frame = new VideoFrame(video), seconds = frame.timestamp / 1e6;
    frame.close();
    return seconds;
  };
  // What was to be shown before may be seen for a while after a seek, and nothing says when that is over.
  const seek = async (time, isThere) => {
    const sought = reached('seeked');
    video.currentTime = time;
    await sought;
    for (const end = performance.now() + settling; !isThere() && performance.now() < end;) await nextFrame();
    canvas.drawImage(video, 0, 0, side, side);
    return shown();
  };
  const begins = await seek(0, () => shown() <= late);
  Object.assign(seen, { begins, beginning: pixels(canvas) });
  await seek(rendition.duration / 2, () => shown() !== begins);
  Object.assign(seen, { sought: video.currentTime, middle: pixels(canvas) });

  const ended = reached('ended');
  video.currentTime = Math.max(video.currentTime, rendition.duration - 0.5);
  await video.play();
  await ended;
  // Only now does a MediaSource know how much there was; before, its length is what the manifest told it.
  Object.assign(seen, { ended: true, duration: isFinite(video.duration) ? video.duration : -1 });
});

/** Shows a picture. */
window.show = rendition => see(async (seen, stage) => {
  const image = stage.appendChild(Object.assign(new Image(), { crossOrigin: 'anonymous' }));
  image.src = rendition.identity ? URL.createObjectURL(new Blob(await Array.fromAsync(decrypt(rendition)), { type: rendition.type })) : rendition.url;
  await image.decode();
  const canvas = newCanvas();
  canvas.drawImage(image, 0, 0, side, side);
  Object.assign(seen, { width: image.naturalWidth, height: image.naturalHeight, beginning: pixels(canvas) });
});

/** Whatever goes wrong, or nothing at all for long, is an error beside what was seen until then. */
async function see(look) {
  const stage = document.body.appendChild(document.createElement('div'));
  const seen = { error: '', width: 0, height: 0, begins: 0, duration: 0, played: 0, pictures: 0, sought: 0, ended: false, beginning: '', middle: '' };
  try {
    await new Promise((done, fail) => {
      setTimeout(() => fail(new Error('nothing more to be seen')), patience);
      look(seen, stage, fail).then(done, fail);
    });
  } catch (error) {
    seen.error = error.message;
  }
  stage.remove();
  return seen;
}

async function feed(source, rendition) {
  const buffer = source.addSourceBuffer(rendition.type);
  source.duration = rendition.duration;
  for await (const piece of decrypt(rendition)) {
    const added = new Promise((done, fail) => {
      buffer.onupdateend = done;
      buffer.onerror = () => fail(new Error('a piece was refused'));
    });
    buffer.appendBuffer(piece);
    await added;
  }
  source.endOfStream();
}

/** The content in pieces of 64 KiB, as they come. */
async function* decrypt({ url, identity, contentLength }) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`storage answered ${response.status}`);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  let missing = contentLength;
  // The padding is read too: only the last chunk proves that nothing was cut off.
  for await (const piece of await decrypter.decrypt(response.body)) {
    if (missing > 0) yield piece.subarray(0, missing);
    missing -= piece.length;
  }
  if (missing > 0) throw new Error('shorter than its manifest says');
}

const nextFrame = () => new Promise(done => requestAnimationFrame(done));

function newCanvas() {
  return Object.assign(document.createElement('canvas'), { width: side, height: side }).getContext('2d', { willReadFrequently: true });
}

/** Three bytes a pixel, in Base64. */
function pixels(canvas) {
  return new Uint8Array(canvas.getImageData(0, 0, side, side).data.filter((_, at) => at % 4 < 3)).toBase64();
}
