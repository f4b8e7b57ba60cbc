# SPDX-License-Identifier: BSD-3-Clause
"""What each command's `--help` ends with: command lines to start from."""

EXAMPLES = {
    "run": """\
  realmos run hello.py one two                   a script and its arguments
  realmos run --memory 1G --vcpus 2 -- nproc     a command, in a larger realm
  realmos run --put in.csv:/run/in.csv --get /run/out.csv:out.csv job.py
  realmos run --timeout 60 --json job.py         for machines: facts on stdout, output on stderr
  realmos run --gdb hello.py                     waits for gdb at the realm's first instruction""",
    "measure": """\
  realmos measure                                the default realm's RIM
  realmos measure small --vcpus 2 --hash sha-512
  realmos measure hello.py one two               REM 1 too, as it is when the script starts
  realmos measure --steps                        how the RIM comes about; --steps all: page by page
  realmos measure --json >before.json            to compare with a later build
  realmos measure --diff before.json linux       what changed since
  realmos measure --diff linux 'linux --vcpus 2'
  realmos measure --policy policy.toml hello.py  a policy that accepts this, and nothing else
  realmos measure --policy policy.toml --export corim hello.py
  realmos measure --ta hello.ta                  REM 1 of a TEE with this Trusted Application
  realmos measure --ta hello.ta -- ./hello 41    and of a client inside""",
    "attest": """\
  realmos attest                                 a random challenge, and the verdict on the answer
  realmos attest --nonce 2a --out token.cbor     the token in a file, for `realmos verify`
  realmos attest --log events.log hello.py       after a program, with what explains REM 1
  realmos attest --policy policy.toml hello.py   judged by a policy from `realmos measure`
  realmos attest --json | jq .verdict.passed""",
    "verify": """\
  realmos verify token.cbor                      by this installation's anchor alone
  realmos verify --nonce 2a token.cbor           and it is the answer to this challenge
  realmos verify --policy policy.toml --nonce 2a --log events.log token.cbor
  realmos verify --policy policy.realm.corim --policy policy.platform.corim --nonce 2a token.cbor
  realmos verify --anchor sample token.cbor      accepts TF-A's sample, with which anybody can sign
  realmos verify --json token.cbor | jq .verdict.first_failure""",
    "shell": """\
  realmos shell                                  ends with `exit` or Ctrl-D
  realmos shell --image small --cold             the small kernel, booted rather than restored""",
    "broker": """\
  realmos measure --policy job.toml job.py       a policy for this program in the default realm
  realmos broker add model-key --policy job.toml --from key.bin
  realmos broker serve                           listens, and says where
  realmos run --broker ADDRESS job.py            in another terminal: job.py can ask for the key
  realmos broker identity ledger --policy job.toml --owner owner.pem
  realmos broker succeed word                    lets another realm open what ledger sealed""",
    "ta": """\
  realmos ta build guest/optee/examples/hello    a .ta from its source and Makefile
  realmos ta inspect hello.ta                    who signed it, and what it asks for
  realmos ta run --local hello.ta -- ./hello     with its client, on this machine
  realmos ta run hello.ta -- ./hello             in a realm, which shows what it was given
  realmos ta debug hello.ta -- ./hello           gdb at its entry""",
    "ta run": """\
  realmos ta run hello.ta -- ./hello 41          in a realm, which shows what it was given
  realmos ta run --local hello.ta -- ./hello 41  a TA and its client, in a second
  realmos ta run --local build/tas -- xtest 1001
  realmos ta run --local --ta-key vendor.pem a.ta b.ta -- bash
  realmos ta run --client-inside hello.ta -- ./hello 41""",
    "ta build": """\
  realmos ta build guest/optee/examples/hello    its Makefile is in hello/ta, and out comes there
  realmos ta build my_ta --set CFG_TEE_TA_LOG_LEVEL=4
  realmos ta build my_ta --key my_ta_key.pem     openssl genrsa -out my_ta_key.pem 4096 makes one
  realmos ta build my_ta --kit ~/optee_os/out/arm/export-ta_arm64
  realmos ta build my_ta --json | jq -r .path""",
    "ta inspect": """\
  realmos ta inspect 1d08b4ae-afde-4c31-aaf9-9e1ebcbe02ca.ta
  realmos ta inspect --key vendor.pem fd02c9da-306c-48c7-a49c-bbd827ae86ee.ta
  realmos ta inspect --json 1d08b4ae-afde-4c31-aaf9-9e1ebcbe02ca.ta | jq .program.properties""",
    "ta debug": """\
  realmos ta debug hello.ta -- ./hello 41
  realmos ta debug --ex 'break TA_InvokeCommandEntryPoint' --ex continue hello.ta -- ./hello 41
  realmos ta debug --batch --ex backtrace --ex continue hello.ta -- ./hello 41""",
    "build": """\
  realmos build                                  the default firmware and image
  realmos build firmware --json                  versions and hashes of all that is in the flash
  realmos build firmware --anchor sample         with TF-A's sample platform token, forgeable
  realmos build image --image small              the image whose kernel is built here""",
    "logs": """\
  realmos logs                                   each line begins with its layer
  realmos logs | grep '^ *RMM'                   what the RMM said
  realmos logs --json | jq -r .line              a JSON object for each line""",
    "doctor": """\
  realmos doctor                                 ends with 0 when nothing is missing
  realmos doctor --json | jq -r '.[] | select(.ok | not) | .fix'""",
    "lock": """\
  realmos lock linux                             prints every version that changed
  git diff images/linux/packages.lock            what to commit""",
    "cache": """\
  realmos cache                                  entries and MiB by kind
  realmos cache --prune                          the next run fetches and builds all anew
  REALMOS_CACHE=/big/disk realmos cache          another cache, as for every command""",
    "bench": """\
  realmos bench boot --count 3                   medians of three boots of each kind
  realmos bench boot --first-run --json          a first run too, with nothing cached
  realmos bench attest --json                    what tokens, verdicts and channels take
  realmos bench tee --peer --count 5             a TEE in a realm beside OP-TEE in TrustZone
  realmos bench rmm --rmm other.bin              instructions of each operation, side by side""",
}
