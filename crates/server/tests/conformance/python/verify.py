"""Verifies evidence as anybody's program would: with a JWS library and the public key as a JWK, nothing of ours.

stdin: {"jwk": {…}, "typ": "…", "jws": {…}}. stdout: the payload, as JSON text. It ends with another exit status than 0
when it does not verify.
"""

import json
import sys

from joserfc import jws
from joserfc.jwk import OKPKey

given = json.load(sys.stdin.buffer)
key = OKPKey.import_key(given["jwk"])
verified = jws.deserialize_json(given["jws"], key, algorithms=["EdDSA"])
header = verified.member.protected
if (header["typ"], header["kid"]) != (given["typ"], given["jwk"]["kid"]):
    sys.exit("another typ or kid")
sys.stdout.buffer.write(verified.payload)
