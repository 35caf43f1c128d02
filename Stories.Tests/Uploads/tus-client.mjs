// Uploads a file with tus-js-client, cuts the connection half-way, and resumes with a new client that knows only the URL.
// Prints the offset at the cut and the upload's URL.
import fs from 'node:fs';
import * as tus from 'tus-js-client';

const [endpoint, token, key, file] = process.argv.slice(2);
const bytes = fs.readFileSync(file);
const common = {
  endpoint,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { lane: 'photo', level: 'processed', key },
  chunkSize: 300_000,
  retryDelays: null,
};

const cut = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(bytes, {
    ...common,
    onError: reject,
    onSuccess: () => reject(new Error('it was to be cut')),
    onChunkComplete: (_, accepted) => {
      if (accepted >= 600_000) upload.abort().then(() => resolve({ url: upload.url, accepted }));
    },
  });
  upload.start();
});

await new Promise((resolve, reject) => {
  new tus.Upload(bytes, { ...common, uploadUrl: cut.url, onError: reject, onSuccess: resolve }).start();
});
console.log(cut.accepted);
console.log(cut.url);
