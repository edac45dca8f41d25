#!/bin/bash
# In binary mode the CloudEvents SDK of Python sends a list as Python source, under the type application/json.
#
# Expected: an event whose data is a JSON value (a list of messages, a text, true) is sent as JSON in every mode, because
#   its datacontenttype is application/json, and reads back as it was.
# Seen: cloudevents 2.2.0 on 2026-11-28. Structured mode does so. In binary mode only objects (dict) are written as JSON:
#   the body of a list is its Python text with single quotes, that of True is `True`, that of a text has no quotes; all of
#   them have the content type application/json, and no error is raised. Reading the message back gives a text. A body
#   with quotes of this kind is no JSON, so a strict receiver refuses it.
# For Casebook: binary mode takes JSON alone and answers 400 with what is wrong. The guide uses structured mode.
# Source: `JSONFormat.write_data` in the package, core/formats/json.py: `str(data)` where data is no dict
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'cloudevents==2.2.0'

cat >expected <<'END'
cloudevents 2.2.0
{'tags': ['a', 'b']}: binary {"tags": ["a", "b"]} as application/json, read back equal; structured read back equal
['a', 'b']: binary ['a', 'b'] as application/json, read back "['a', 'b']"; structured read back equal
True: binary True as application/json, read back 'True'; structured read back equal
'refund': binary refund as application/json, read back equal; structured read back equal
END

venv/bin/python - >seen <<'END'
import importlib.metadata

from cloudevents.core.bindings.http import from_http_event, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

print("cloudevents", importlib.metadata.version("cloudevents"))
for data in ({"tags": ["a", "b"]}, ["a", "b"], True, "refund"):
    event = CloudEvent({"id": "1", "source": "desk", "type": "case.tagged", "datacontenttype": "application/json"}, data)
    binary, structured = to_binary_event(event), to_structured_event(event)
    back = [from_http_event(message).get_data() for message in (binary, structured)]
    [of_binary, of_structured] = ["equal" if read == data else repr(read) for read in back]
    kind = binary.headers["content-type"]
    print(f"{data!r}: binary {binary.body.decode()} as {kind}, read back {of_binary}; structured read back {of_structured}")
END

echo "In binary mode only objects are sent as JSON; a list is sent as Python source."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
