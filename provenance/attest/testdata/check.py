"""Checks a DSSE envelope (stdin) by a raw Ed25519 key (base64): the signature with
securesystemslib, the statement and the predicate with in-toto's own messages, which
refuse unknown fields. Prints what it has read."""

import base64
import hashlib
import json
import sys

import google.protobuf.json_format as pb_json
import in_toto_attestation.v1.statement_pb2 as statement_pb2
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

data = json.load(sys.stdin)
envelope = Envelope.from_dict(data)
(keyid,) = envelope.signatures
public = base64.b64decode(sys.argv[1]).hex()
envelope.verify([SSlibKey(keyid, "ed25519", "ed25519", {"public": public})], 1)
assert envelope.payload_type == "application/vnd.in-toto+json", envelope.payload_type

statement = Statement.copy_from_pb(pb_json.Parse(envelope.payload, statement_pb2.Statement()))
statement.validate()
assert statement.pb.predicate_type == "https://slsa.dev/provenance/v1", statement.pb.predicate_type
predicate = pb_json.ParseDict(pb_json.MessageToDict(statement.pb.predicate), provenance_pb2.Provenance())
definition, run = predicate.build_definition, predicate.run_details
for r in [*definition.resolved_dependencies, *run.byproducts]:
    assert r.uri or r.digest or r.content, r
    assert all(len(v) == 64 for v in r.digest.values()), r
external = pb_json.MessageToDict(definition.external_parameters)
(subject,) = statement.pb.subject
recipe = next(r for r in definition.resolved_dependencies if r.name == "recipe")
assert hashlib.sha256(recipe.content).hexdigest() == recipe.digest["sha256"]
json.dump(
    {
        "Subject": subject.name,
        "SHA256": subject.digest["sha256"],
        "BuildType": definition.build_type,
        "Source": external["source"]["digest"]["sha256"],
        "Recipe": external["recipe"]["digest"]["sha256"],
        "Target": external["target"],
        "Builder": run.builder.id,
        "Started": run.metadata.started_on.ToJsonString(),
        "Finished": run.metadata.finished_on.ToJsonString(),
        "Tool": next(r.uri for r in definition.resolved_dependencies if r.name == "setuptools"),
        "Log": run.byproducts[0].digest["sha256"],
    },
    sys.stdout,
)
