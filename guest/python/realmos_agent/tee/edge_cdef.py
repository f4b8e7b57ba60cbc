# SPDX-License-Identifier: BSD-3-Clause
"""What is declared of the edge's library, and the program that turns it into `_edge_abi.py`.

It says what guest/optee/edge/edge.h does. After a change here, run
`python -m realmos_agent.tee.edge_cdef`.
"""

import os.path

from realmos_agent.tee import bindings

TARGET = "_edge_abi.py"

DECLARATIONS = """
enum edge_event_kind {
    EDGE_NOTHING, EDGE_INPUT, EDGE_ADOPT, EDGE_FREED, EDGE_END, EDGE_FAILED
};
struct edge_event {
    uint32_t kind;
    uint32_t number;
    const uint8_t *bytes;
    size_t size;
    const uint8_t *said;
    size_t said_size;
    uint64_t addresses[4];
};
struct edge *edge_new(int out, uint32_t patience_ms);
uint64_t edge_window(void);
uint32_t edge_calls_max(void);
void edge_wait(struct edge *edge, int in, struct edge_event *event);
int edge_send(struct edge *edge, const void *bytes, size_t size);
int64_t edge_lend(struct edge *edge, int runner, uint64_t entry, uint64_t stack_top,
                  uint64_t window);
bool edge_take(struct edge *edge, int64_t instance);
void edge_give(struct edge *edge, int64_t instance);
void edge_drop(struct edge *edge, int64_t instance);
void edge_add(struct edge *edge, uint32_t session, uint32_t client, int64_t instance);
void edge_forget(struct edge *edge, uint32_t session);
void edge_forget_client(struct edge *edge, uint32_t client);
"""


def generate(path: str) -> None:
    """Write the module that cffi makes of the declarations to a path.

    Raises:
        ImportError: cffi is not installed; it comes with realmos' test tools.
    """
    bindings.generate(path, "_edge_abi", DECLARATIONS, "edge_cdef.py")


if __name__ == "__main__":
    generate(os.path.join(os.path.dirname(__file__), TARGET))
