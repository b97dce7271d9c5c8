import os
import subprocess

env = {**os.environ, "LANG": "C"}
subprocess.run(["make", "test"], env=env, check=True)
