"""Counts the words of a text."""

import json
from collections import Counter

from componentize_py_types import Err
from wit_world import Failure
from wit_world import WitWorld as World


class WitWorld(World):
    def run(self, input: str) -> str:
        request = json.loads(input)
        if not isinstance(request, dict) or not isinstance(request.get("text"), str):
            raise Err(Failure("invalid_input", 'expected {"text": "…"}'))
        words = request["text"].split()
        return json.dumps({"words": len(words), "counts": Counter(words)})
