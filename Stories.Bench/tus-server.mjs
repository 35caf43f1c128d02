// A tus server over the same storage, as others build it: the second yardstick of `upload`.
// Reads where storage is from the environment; prints its port.
import http from 'node:http';
import { BlobServiceClient } from '@azure/storage-blob';
import { AzureStore } from '@tus/azure-store';
import { Server } from '@tus/server';

const client = BlobServiceClient.fromConnectionString(process.env.Blobs__ConnectionString).getContainerClient(process.argv[2]);
const tus = new Server({ path: '/v1/uploads', datastore: new AzureStore({ client }), relativeLocation: true });
const server = http.createServer(tus.handle.bind(tus));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
