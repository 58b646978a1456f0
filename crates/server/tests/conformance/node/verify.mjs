// Verifies evidence as anybody's program would: with a JWS library and the public key as a JWK, nothing of ours.
//
// stdin: {"jwk": {…}, "typ": "…", "jws": {…}}. stdout: the payload, as JSON text. It ends with another exit status than 0
// when it does not verify. The first argument is the folder in which the library is installed.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const library = createRequire(`${process.argv[2]}/`).resolve('jose');
const { flattenedVerify, importJWK } = await import(pathToFileURL(library));
const { jwk, typ, jws } = JSON.parse(await text(process.stdin));
const { payload, protectedHeader } = await flattenedVerify(jws, await importJWK(jwk), { algorithms: ['EdDSA'] });
if (protectedHeader.typ !== typ || protectedHeader.kid !== jwk.kid) throw new Error('another typ or kid');
process.stdout.write(payload);
