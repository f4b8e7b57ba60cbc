/* SPDX-License-Identifier: BSD-3-Clause */
/* What the monitor takes from a device tree, and what it refuses. */
#include <libfdt.h>

#include "dram.h"
#include "manifest.h"
#include "tap.h"

#define DRAM_END UINT64_C(0x180000000)
#define MAGIC	 0xD00DFEEDU

static struct fake_tree tree;
static struct manifest manifest;
static char error[MANIFEST_ERROR_SIZE];

static const uint8_t one[4] = { 0, 0, 0, 1 };
static const uint8_t zero[4];
static const uint8_t ram_256m[8] = { 0, 0, 0, 0, 0x10, 0, 0, 0 };
static const uint8_t window_0[8] = { 0, 0, 0, 1, 0, 0, 0, 0 };
static const uint8_t window_1[8] = { 0, 0, 0, 1, 0x10, 0, 0, 0 };
static const uint8_t rpv[64] = { 7 };
static const uint8_t transports_0[8] = { 0, 0, 0, 3, 0, 0, 0, 4 };
static const uint8_t transports_1[4] = { 0, 0, 0, 5 };

int fdt_check_header(const void *fdt)
{
	return ((const struct fdt_header *)fdt)->magic == MAGIC ? 0 : -9;
}

uint32_t fdt_totalsize(const void *fdt)
{
	return ((const struct fake_tree *)fdt)->total_size;
}

const void *fdt_getprop(const void *fdt, int node, const char *name, int *length)
{
	const struct fake_property *properties =
		((const struct fake_tree *)fdt)->nodes[node].properties;

	for (int n = 0; n < FAKE_FDT_PROPERTIES && properties[n].name != NULL; n++) {
		if (strcmp(properties[n].name, name) == 0) {
			if (length != NULL) {
				*length = properties[n].length;
			}
			return properties[n].value;
		}
	}
	if (length != NULL) {
		*length = -FDT_ERR_NOTFOUND;
	}
	return NULL;
}

int fdt_node_check_compatible(const void *fdt, int node, const char *compatible)
{
	const char *value = fdt_getprop(fdt, node, "compatible", NULL);

	return value != NULL && strcmp(value, compatible) == 0 ? 0 : 1;
}

const char *fdt_get_name(const void *fdt, int node, int *length)
{
	(void)length;
	return ((const struct fake_tree *)fdt)->nodes[node].name;
}

int fdt_next_subnode(const void *fdt, int node)
{
	const struct fake_tree *from = fdt;

	return node + 1 < from->node_count ? node + 1 : from->end_error;
}

int fdt_first_subnode(const void *fdt, int parent)
{
	return fdt_next_subnode(fdt, parent);
}

static void set(int node, const char *name, const void *value, int length)
{
	struct fake_property *at = tree.nodes[node].properties;

	while (at->name != NULL && strcmp(at->name, name) != 0) {
		at++;
	}
	*at = (struct fake_property){ name, value, length };
}

static void drop(int node, const char *name)
{
	struct fake_property *at = tree.nodes[node].properties;

	while (strcmp(at->name, name) != 0) {
		at++;
	}
	at->name = "";
}

static void add_realm(const uint8_t *first_pe, const uint8_t *window, const uint8_t *transports,
		      int transports_size)
{
	int node = tree.node_count++;

	tree.nodes[node].name = "realm@";
	set(node, "realm-name", "linux", 6);
	set(node, "vcpus", one, 4);
	set(node, "first-pe", first_pe, 4);
	set(node, "ram-size", ram_256m, 8);
	set(node, "window-base", window, 8);
	set(node, "plan", zero, 4);
	set(node, "rpv", rpv, 64);
	set(node, "virtio", transports, transports_size);
}

static void start(void)
{
	tree = (struct fake_tree){
		.header = { MAGIC },
		.total_size = 100,
		.end_error = -FDT_ERR_NOTFOUND,
		.node_count = 1,
	};
	set(0, "compatible", "realmos,machine-1", 18);
	add_realm(zero, window_0, transports_0, 8);
	error[0] = '\0';
}

static void start_two(void)
{
	start();
	add_realm(one, window_1, transports_1, 4);
}

static bool parse(void)
{
	return manifest_parse(&tree, 100, DRAM_END, &manifest, error);
}

/* Refused, and the message says why. */
static bool refused(const char *because)
{
	return !parse() && strstr(error, because) != NULL;
}

static void good_manifest_is_read(void)
{
	start_two();
	EXPECT(parse());
	EXPECT_EQ(manifest.realm_count, 2);
	EXPECT(strcmp(manifest.realms[0].name, "linux") == 0);
	EXPECT_EQ(manifest.realms[0].vcpu_count, 1);
	EXPECT_EQ(manifest.realms[0].ram_size, 0x10000000);
	EXPECT_EQ(manifest.realms[1].window_base, 0x110000000);
	EXPECT_EQ(manifest.realms[1].first_pe, 1);
	EXPECT_EQ(manifest.realms[0].rpv[0], 7);
	EXPECT_EQ(manifest.realms[0].virtio_count, 2);
	EXPECT_EQ(manifest.realms[0].virtio[1], 4);
	EXPECT(!manifest.realms[0].trace);
	EXPECT(!manifest.probe_isolation);
}

static void options_are_read(void)
{
	start();
	set(0, "probe-isolation", "", 0);
	set(1, "trace", one, 4);
	EXPECT(parse());
	EXPECT(manifest.probe_isolation);
	EXPECT(manifest.realms[0].trace);
}

static void realm_without_devices_is_fine(void)
{
	start();
	drop(1, "virtio");
	EXPECT(parse());
	EXPECT_EQ(manifest.realms[0].virtio_count, 0);
}

static void what_is_no_tree_is_refused(void)
{
	start();
	tree.header.magic = 0;
	EXPECT(refused("not a flattened device tree"));
	start();
	tree.total_size = 101;
	EXPECT(refused("not a flattened device tree"));
	start();
	EXPECT(!manifest_parse(&tree, 3, DRAM_END, &manifest, error));
}

static void damaged_tree_is_refused(void)
{
	start();
	tree.end_error = -FDT_ERR_BADSTRUCTURE;
	EXPECT(refused("damaged"));
}

static void other_versions_are_refused(void)
{
	start();
	set(0, "compatible", "realmos,machine-2", 18);
	EXPECT(refused("not compatible"));
}

static void machine_without_realms_is_refused(void)
{
	start();
	tree.node_count = 1;
	EXPECT(refused("no realm"));
}

static void missing_properties_are_named(void)
{
	static const char *const names[] = { "vcpus",	    "first-pe", "ram-size",
					     "window-base", "plan",	"rpv" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		start();
		drop(1, names[n]);
		EXPECT(refused(names[n]));
	}
}

static void properties_of_other_sizes_are_refused(void)
{
	static const char *const names[] = { "vcpus",	    "first-pe", "ram-size",
					     "window-base", "plan",	"rpv" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		start();
		set(1, names[n], rpv, 3);
		EXPECT(refused(names[n]));
	}
}

static void names_are_short_printable_words(void)
{
	start();
	set(1, "realm-name", "", 1);
	EXPECT(refused("realm-name"));
	start();
	set(1, "realm-name", "a\nMON: ready", 13);
	EXPECT(refused("realm-name"));
	start();
	set(1, "realm-name", "two words", 10);
	EXPECT(refused("realm-name"));
	start();
	set(1, "realm-name", "not terminated", 14);
	EXPECT(refused("realm-name"));
	start();
	set(1, "realm-name", "a name of more than thirty-one characters", 42);
	EXPECT(refused("realm-name"));
}

static void vcpus_need_pes_that_exist(void)
{
	static const uint8_t nine[4] = { 0, 0, 0, 9 };
	static const uint8_t eight[4] = { 0, 0, 0, 8 };
	static const uint8_t huge[4] = { 0xFF, 0xFF, 0xFF, 0xFF };

	start();
	set(1, "vcpus", zero, 4);
	EXPECT(refused("PE"));
	start();
	set(1, "vcpus", nine, 4);
	EXPECT(refused("vcpus"));
	start();
	set(1, "first-pe", eight, 4);
	EXPECT(refused("PE"));
	start();
	set(1, "first-pe", huge, 4);
	EXPECT(refused("first-pe"));
}

static void memory_is_whole_blocks_that_fit(void)
{
	static const uint8_t sizes[][8] = {
		{ 0 },
		{ 0, 0, 0, 0, 0, 0x10, 0, 0 },
		{ 0, 0, 0, 0, 0xC0, 0x20, 0, 0 },
		{ 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE0, 0, 0 },
	};

	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		start();
		set(1, "ram-size", sizes[n], 8);
		EXPECT(refused("ram-size"));
	}
}

static void windows_lie_in_high_memory(void)
{
	static const uint8_t bases[][8] = {
		{ 0 },
		{ 0, 0, 0, 0, 0x80, 0, 0, 0 },
		{ 0, 0, 0, 1, 0, 0x10, 0, 0 },
		{ 0, 0, 0, 1, 0x7F, 0, 0, 0 },
		{ 0, 0, 0, 1, 0x80, 0, 0, 0 },
		{ 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE0, 0, 0 },
	};

	for (size_t n = 0; n < sizeof(bases) / sizeof(bases[0]); n++) {
		start();
		set(1, "window-base", bases[n], 8);
		EXPECT(refused("window"));
	}
}

static void realms_share_nothing(void)
{
	static const uint8_t overlap[8] = { 0, 0, 0, 1, 0x0F, 0xE0, 0, 0 };

	start_two();
	set(2, "first-pe", zero, 4);
	EXPECT(refused("shares a PE"));
	start_two();
	set(2, "window-base", overlap, 8);
	EXPECT(refused("overlaps"));
	start_two();
	set(2, "window-base", window_0, 8);
	EXPECT(refused("overlaps"));
	start_two();
	set(2, "virtio", transports_0 + 4, 4);
	EXPECT(refused("shares a virtio transport"));
}

static void transports_exist_and_are_named_once(void)
{
	static const uint8_t absent[4] = { 0, 0, 0, QEMU_VIRTIO_MMIO_COUNT };
	static const uint8_t twice[8] = { 0, 0, 0, 3, 0, 0, 0, 3 };
	static const uint8_t many[4 * (REALM_VIRTIO_COUNT + 1)];

	start();
	set(1, "virtio", absent, 4);
	EXPECT(refused("no virtio transport"));
	start();
	set(1, "virtio", twice, 8);
	EXPECT(refused("twice"));
	start();
	set(1, "virtio", twice, 7);
	EXPECT(refused("list"));
	start();
	set(1, "virtio", many, (int)sizeof(many));
	EXPECT(refused("list"));
}

static void too_many_realms_are_refused(void)
{
	static uint8_t windows[MANIFEST_MAX_REALMS + 1][8];
	static uint8_t pes[MANIFEST_MAX_REALMS + 1][4];
	static const uint8_t ram_2m[8] = { 0, 0, 0, 0, 0, 0x20, 0, 0 };

	start();
	tree.node_count = 1;
	for (int n = 0; n <= MANIFEST_MAX_REALMS; n++) {
		windows[n][3] = 1;
		windows[n][5] = (uint8_t)(0x20 * (n % 8));
		windows[n][4] = (uint8_t)(n / 8);
		pes[n][3] = (uint8_t)(n % 8);
		add_realm(pes[n], windows[n], NULL, 0);
		set(n + 1, "ram-size", ram_2m, 8);
		drop(n + 1, "virtio");
	}
	EXPECT(refused("more than"));
	tree.node_count--;
	EXPECT(parse());
}

static void memory_nodes_are_followed_in_any_order(void)
{
	static const uint8_t low[16] = { 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0 };
	static const uint8_t high[16] = { 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 };
	static const uint8_t secure[16] = { 0, 0, 0, 0, 0x0E, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0 };
	const uint8_t *const regs[] = { secure, high, low };

	start();
	tree.node_count = 1;
	for (int n = 0; n < 3; n++) {
		tree.node_count++;
		set(n + 1, "device_type", "memory", 7);
		set(n + 1, "reg", regs[n], 16);
	}
	EXPECT_EQ(dram_end_of(&tree, 100), 0x180000000);
	drop(3, "device_type");
	EXPECT_EQ(dram_end_of(&tree, 100), QEMU_DRAM_BASE);
	tree.header.magic = 0;
	EXPECT_EQ(dram_end_of(&tree, 100), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(good_manifest_is_read),
	TAP_CASE(options_are_read),
	TAP_CASE(realm_without_devices_is_fine),
	TAP_CASE(what_is_no_tree_is_refused),
	TAP_CASE(damaged_tree_is_refused),
	TAP_CASE(other_versions_are_refused),
	TAP_CASE(machine_without_realms_is_refused),
	TAP_CASE(missing_properties_are_named),
	TAP_CASE(properties_of_other_sizes_are_refused),
	TAP_CASE(names_are_short_printable_words),
	TAP_CASE(vcpus_need_pes_that_exist),
	TAP_CASE(memory_is_whole_blocks_that_fit),
	TAP_CASE(windows_lie_in_high_memory),
	TAP_CASE(realms_share_nothing),
	TAP_CASE(transports_exist_and_are_named_once),
	TAP_CASE(too_many_realms_are_refused),
	TAP_CASE(memory_nodes_are_followed_in_any_order),
};

TAP_MAIN(cases)
