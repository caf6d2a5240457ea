// Package attest writes and reads what a builder attests of one build: an in-toto
// Statement v1 with an SLSA provenance v1 predicate, in a DSSE envelope.
//
// # Envelope
//
// A DSSE envelope (version 1.0.2) in JSON, with one signature:
//
//	{"payload":"BASE64","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"NAME+HASH","sig":"BASE64"}]}
//
// and a newline. The signature is Ed25519 over DSSE's pre-authentication encoding,
//
//	DSSEv1 28 application/vnd.in-toto+json LENGTH PAYLOAD
//
// made by the key that also signs the build statement; keyid is that key's name and
// hash as in its verifier key and in the statement's signature line. The public key
// is the 32 bytes after the first in the verifier key's base64. One key for both
// is safe: a signed note never begins with "DSSEv1 ", since a statement begins with
// "wheellock/v1 " and a builder's key signs no other note.
//
// # Payload
//
// The payload is this document in one line, its keys in this order (the page
// docs/attestations.md explains each):
//
//	{"_type": "https://in-toto.io/Statement/v1",
//	 "subject": [{"name": "x-1.0-py3-none-any.whl", "digest": {"sha256": "HEX"}, "annotations": {"content": "sha256:HEX"}}],
//	 "predicateType": "https://slsa.dev/provenance/v1",
//	 "predicate": {
//	  "buildDefinition": {
//	   "buildType": "https://github.com/freedomofpress/wheellock/blob/main/docs/attestations.md#wheel-v1",
//	   "externalParameters": {
//	    "package": {"name": "x", "version": "1.0"},
//	    "recipe": {"digest": {"sha256": "HEX"}},
//	    "source": {"name": "x-1.0.tar.gz", "digest": {"sha256": "HEX"}},
//	    "target": "bookworm"},
//	   "internalParameters": {"log": "ORIGIN", "place": "...", "times": 2, "varied": ["..."], "walls": "..."},
//	   "resolvedDependencies": [
//	    {"name": "x-1.0.tar.gz", "digest": {...}, "annotations": {"kind": "source"}},
//	    {"name": "recipe", "digest": {...}, "content": "BASE64", "annotations": {"kind": "recipe"}},
//	    {"name": "setuptools", "uri": "pkg:pypi/setuptools@75.8.0", "digest": {...}, "annotations": {"kind": "build-requirement", "version": "75.8.0"}},
//	    {"name": "libc", "uri": "pkg:cargo/libc@0.2.1", "digest": {...}, "annotations": {"kind": "crate", "version": "0.2.1"}},
//	    {"name": "gcc-12", "uri": "pkg:generic/gcc-12@12.2.0-14", "annotations": {"kind": "toolchain", "version": "12.2.0-14"}},
//	    {"name": "python", "uri": "pkg:generic/python@3.11.2", "annotations": {"kind": "interpreter", "version": "3.11.2"}}]},
//	  "runDetails": {
//	   "builder": {"id": "wheellock://ORIGIN/builder/NAME+HASH", "version": {"wheellock": "..."}},
//	   "metadata": {"invocationId": "sha256:HEX", "startedOn": "2026-11-22T14:00:00Z", "finishedOn": "2026-11-22T14:00:09Z"},
//	   "byproducts": [
//	    {"name": "build.log", "digest": {...}, "mediaType": "text/plain"},
//	    {"name": "comparison.txt", "digest": {...}, "mediaType": "text/plain"}]}}}
//
// There is one spelling for one meaning: [Open] takes exactly the bytes that [Seal]
// would write for what it has read. So a key that stands twice, one of another case,
// base64 with stray bits, another order or an unknown key is refused, and nobody can
// have two readers see two things.
package attest
