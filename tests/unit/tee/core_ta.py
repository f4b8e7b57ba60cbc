# SPDX-License-Identifier: BSD-3-Clause
"""A TA in C, without any library, that the whole core is tested with."""

from ta_objects import HEAD

INCREMENT, PANIC, FAULT, CAPITALS, RUN_AWAY, USE_SYSTEM, OVERFLOW = range(7)
SOURCE = (
    HEAD
    + """
struct params { unsigned long types, vals[8]; };
__asm__(".text\\n"
	".macro stub name, number\\n"
	".global \\\\name\\n.hidden \\\\name\\n"
	"\\\\name: bti c\\n mov x8, #\\\\number\\n svc #0\\n ret\\n.endm\\n"
	"stub call_return, 0\\n stub call_log, 1\\n stub call_panic, 2\\n"
	"stub call_open, 5\\n stub call_close, 6\\n stub call_invoke, 7\\n");
extern void call_return(long), call_panic(long), call_log(const char *, unsigned long);
extern unsigned call_open(const void *, unsigned long, struct params *, unsigned *, unsigned *);
extern unsigned call_invoke(unsigned long, unsigned long, unsigned long, struct params *,
	unsigned *);
extern unsigned call_close(unsigned long);
static const unsigned char system_pta[16] = {
	0x78, 0x89, 0x2f, 0x3a, 0xc0, 0x5d, 0xe8, 0x11,
	0x9c, 0x2d, 0xfa, 0x7a, 0xe0, 0x1b, 0xbe, 0xbc
};

static long use_system(struct params *p)
{
	static struct params none, map;
	unsigned session = 0, origin = 0;
	unsigned result = call_open(system_pta, 0xffffffff, &none, &session, 0);
	volatile char *memory;

	if (result)
		return result;
	map.types = 0x131;
	map.vals[0] = 8192;
	result = call_invoke(session, 0xffffffff, 2, &map, &origin);
	if (result)
		return result;
	memory = (char *)(map.vals[2] << 32 | map.vals[3]);
	memory[8191] = 7;
	p->vals[0] = memory[0] + memory[8191];
	p->vals[1] = origin;
	return call_close(session);
}

static long overflow(int depth)
{
	volatile char room[256];

	room[depth % 256] = 1;
	return overflow(depth + 1) + room[0];
}

static void capitals(struct params *p)
{
	const char *in = (const char *)p->vals[0];
	char *out = (char *)p->vals[2];

	for (unsigned long i = 0; i < p->vals[1]; i++)
		out[i] = in[i] - 32;
	p->vals[3] = p->vals[1];
}

void __ta_entry(unsigned long function, unsigned long session, struct params *p, unsigned command)
{
	long result = 0;

	if (function == 0)
		call_log("hello\\n\\033[31mred", 14);
	if (function == 1)
		call_log("closed", 6);
	if (function == 2) {
		switch (command) {
		case 0: p->vals[0]++; break;
		case 1: call_panic(0x1234); break;
		case 2: *(volatile int *)16 = 0; break;
		case 3: capitals(p); break;
		case 4: for (;;) ;
		case 5: result = use_system(p); break;
		case 6: result = overflow(0); break;
		}
	}
	call_return(result);
}
"""
)
