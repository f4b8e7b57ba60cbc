# SPDX-License-Identifier: BSD-3-Clause
"""A model's owner releases its key to the realm expected, and to no other.

    python examples/sealed/demo.py

The owner seals a model, predicts what a realm that runs `model.py` on it measures, and gives the
key to a broker with that as its policy. Then somebody else, who has the sealed model and the
machine, runs it: as it is, then with one byte of the workload changed, then with one byte of the
image changed. The status is 0 if all came out as they should.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).resolve().parent
IMAGE = HERE.parents[1] / "images" / "linux"
REALMOS = [sys.executable, "-m", "realmos.cli"]
MODEL = b"2.5 1"
IN_REALM = "/run/model.sealed"
ANSWER = "the model says 8.5"
PATIENCE = 60.0


def realmos(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command; what it says on stderr is shown as it comes, too."""
    print(f"$ realmos {' '.join(str(word) for word in words)}", flush=True)
    done = subprocess.run(
        [*REALMOS, *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    print(f"{done.stdout}{done.stderr}", flush=True)
    return done


def seal(work: Path) -> None:
    """Make the model's key, and seal the model with it: the owner's work."""
    key, nonce = AESGCM.generate_key(256), os.urandom(12)
    (work / "key").touch(mode=0o600)
    (work / "key").write_bytes(key)
    (work / "model.sealed").write_bytes(nonce + AESGCM(key).encrypt(nonce, MODEL, None))


def entrust(work: Path) -> None:
    """Give the key to a broker, for the realm that `model.py` runs in: the owner's, too."""
    put = f"{work}/model.sealed:{IN_REALM}"
    policy = work / "policy.toml"
    made = [
        realmos("measure", "--policy", policy, "--put", put, HERE / "model.py", IN_REALM, "3"),
        realmos(
            "broker", "add", "model-key", "--store", work / "broker", "--policy", policy,
            "--from", work / "key",
        ),
    ]  # fmt: skip
    (work / "key").unlink()
    if any(done.returncode for done in made):
        sys.exit("the key could not be entrusted to a broker")


@contextmanager
def serving(work: Path) -> Iterator[Path]:
    """Let the broker serve; yield its address."""
    with (work / "broker.log").open("wb") as log:
        words = [*REALMOS, "broker", "serve", "--store", str(work / "broker")]
        broker = subprocess.Popen(words, stderr=log, stdin=subprocess.DEVNULL)
    try:
        address = work / "broker" / "socket"
        for _ in range(int(PATIENCE / 0.1)):
            if address.exists() or broker.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                broker.wait(0.1)
        yield address
    finally:
        broker.terminate()
        broker.wait(PATIENCE)
        print((work / "broker.log").read_text("utf-8"))


def run(work: Path, broker: Path, script: Path, *options: str | Path) -> str:
    """Run a workload with the sealed model; return all that was said."""
    put = f"{work}/model.sealed:{IN_REALM}"
    done = realmos("run", "--broker", broker, *options, "--put", put, script, IN_REALM, "3")
    return done.stdout + done.stderr


def change(path: Path, old: str, new: str) -> None:
    """Change one byte of a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    assert len(old) == len(new)
    path.write_text(text.replace(old, new), "utf-8")


def other_script(work: Path) -> Path:
    """Return the workload with one byte changed: it answers a little differently."""
    folder = work / "other"
    folder.mkdir()
    path = folder / "model.py"
    shutil.copy(HERE / "model.py", path)
    change(path, "the model says {", "the model sayz {")
    return path


def other_image(work: Path) -> Path:
    """Return the image with one byte changed, in its kernel's command line."""
    folder = work / "linux"
    shutil.copytree(IMAGE, folder)
    change(folder / "templates" / "cmdline.j2", "panic=-1", "panic=-2")
    return folder


def main() -> int:
    """Go through all of it."""
    with tempfile.TemporaryDirectory(prefix="sealed-") as name:
        work = Path(name)
        seal(work)
        entrust(work)
        with serving(work) as broker:
            expected = run(work, broker, HERE / "model.py")
            workload = run(work, broker, other_script(work))
            image = run(work, broker, HERE / "model.py", "--image", other_image(work), "--cold")
    outcomes = {
        "the realm expected has the key": ANSWER in expected,
        "with one byte of the workload changed, it has not": "'model-key': realm.rem1: "
        in workload,
        "with one byte of the image changed, it has not": "'model-key': realm.rim: " in image,
    }
    for what, happened in outcomes.items():
        print(f"{'yes' if happened else 'NO '}  {what}")
    return 0 if all(outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
