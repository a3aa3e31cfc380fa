"""torchvision can be imported with any build of torch, and is imported only by the networks that need it."""

import subprocess
import sys


def test_a_model_without_torchvision_does_not_import_it():
    code = (
        "import sys\n"
        "from img2height.models.folder import load_model\n"
        "from img2height.methods import build_network\n"
        "build_network('resdepth', {'dsm_initial': 1}, {})\n"
        "assert 'torchvision' not in sys.modules\n"
        "import torchvision, lightning, torchmetrics"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
