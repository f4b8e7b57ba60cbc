/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>

#include <libfdt.h>

#include <lib/bits.h>
#include <lib/console.h>
#include <lib/string.h>

#include "config.h"
#include "manifest.h"

/* What is being read, and where to say what is wrong with it. */
struct reader {
	const void *fdt;
	int node;
	const char *node_name;
	char *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct reader *reader,
						       const char *format, ...)
{
	size_t used = format_text(reader->error, MANIFEST_ERROR_SIZE, "%s: ", reader->node_name);
	va_list args;

	if (used < MANIFEST_ERROR_SIZE) {
		va_start(args, format);
		(void)format_text_v(reader->error + used, MANIFEST_ERROR_SIZE - used, format, args);
		va_end(args);
	}
	return false;
}

/* A property of exactly `size` bytes. */
static const uint8_t *property(const struct reader *reader, const char *name, int size)
{
	int length;
	const void *value = fdt_getprop(reader->fdt, reader->node, name, &length);

	if (value == NULL) {
		(void)fail(reader, "no property %s", name);
		return NULL;
	}
	if (length != size) {
		(void)fail(reader, "property %s has %d bytes, not %d", name, length, size);
		return NULL;
	}
	return value;
}

static uint32_t cell(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool read_u32(const struct reader *reader, const char *name, unsigned int limit,
		     unsigned int *out)
{
	const uint8_t *value = property(reader, name, 4);

	if (value == NULL) {
		return false;
	}
	*out = cell(value);
	return *out <= limit || fail(reader, "property %s is %u, above %u", name, *out, limit);
}

static bool read_u64(const struct reader *reader, const char *name, uint64_t *out)
{
	const uint8_t *value = property(reader, name, 8);

	if (value == NULL) {
		return false;
	}
	*out = (uint64_t)cell(value) << 32 | cell(value + 4);
	return true;
}

static bool read_name(const struct reader *reader, struct realm_config *realm)
{
	int length;
	const char *value = fdt_getprop(reader->fdt, reader->node, "realm-name", &length);

	if (value == NULL || length < 2 || length > MANIFEST_NAME_SIZE ||
	    strnlen(value, (size_t)length) != (size_t)length - 1U) {
		return fail(reader, "realm-name is not a string of 1 to %d characters",
			    MANIFEST_NAME_SIZE - 1);
	}
	for (int n = 0; n < length - 1; n++) {
		if (value[n] <= ' ' || value[n] > '~') {
			return fail(reader, "realm-name has a character that is not printable");
		}
	}
	(void)memcpy(realm->name, value, (size_t)length);
	return true;
}

static bool read_virtio(const struct reader *reader, struct realm_config *realm)
{
	int length;
	const uint8_t *value = fdt_getprop(reader->fdt, reader->node, "virtio", &length);

	if (value == NULL) {
		realm->virtio_count = 0;
		return length == -FDT_ERR_NOTFOUND || fail(reader, "property virtio is damaged");
	}
	if (length % 4 != 0 || length / 4 > REALM_VIRTIO_COUNT) {
		return fail(reader, "property virtio is not a list of at most %d cells",
			    REALM_VIRTIO_COUNT);
	}
	realm->virtio_count = (unsigned int)length / 4U;
	for (unsigned int n = 0; n < realm->virtio_count; n++) {
		uint32_t transport = cell(value + 4U * n);

		if (transport >= QEMU_VIRTIO_MMIO_COUNT) {
			return fail(reader, "there is no virtio transport %u", transport);
		}
		realm->virtio[n] = (uint8_t)transport;
	}
	return true;
}

static bool check_memory(const struct reader *reader, const struct realm_config *realm,
			 uint64_t dram_end)
{
	if (realm->ram_size == 0U || !is_aligned(realm->ram_size, BLOCK_SIZE) ||
	    !range_within(REALM_RAM_BASE, realm->ram_size, 0, REALM_SHARED_BIT)) {
		return fail(reader,
			    "ram-size 0x%lx is not a multiple of 2 MiB that fits the IPA space",
			    (unsigned long)realm->ram_size);
	}
	if (!is_aligned(realm->window_base, BLOCK_SIZE) ||
	    realm->window_base < MONITOR_WINDOW_BASE ||
	    !range_within(realm->window_base, realm->ram_size, 0, dram_end)) {
		return fail(
			reader,
			"window of 0x%lx bytes at 0x%lx is not in 0x%lx to 0x%lx, the machine's "
			"memory above 4 GiB",
			(unsigned long)realm->ram_size, (unsigned long)realm->window_base,
			(unsigned long)MONITOR_WINDOW_BASE, (unsigned long)dram_end);
	}
	return true;
}

static bool read_realm(const struct reader *reader, uint64_t dram_end, struct realm_config *realm)
{
	const uint8_t *rpv;
	unsigned int trace = 0;

	if (!read_name(reader, realm) ||
	    !read_u32(reader, "vcpus", REALM_MAX_VCPUS, &realm->vcpu_count) ||
	    !read_u32(reader, "first-pe", QEMU_MAX_PES, &realm->first_pe) ||
	    !read_u64(reader, "ram-size", &realm->ram_size) ||
	    !read_u64(reader, "window-base", &realm->window_base) ||
	    !read_u32(reader, "plan", MANIFEST_MAX_REALMS - 1, &realm->plan) ||
	    !read_virtio(reader, realm)) {
		return false;
	}
	if (fdt_getprop(reader->fdt, reader->node, "trace", NULL) != NULL &&
	    !read_u32(reader, "trace", 1, &trace)) {
		return false;
	}
	realm->trace = trace != 0U;
	rpv = property(reader, "rpv", RMM_RPV_SIZE);
	if (rpv == NULL) {
		return false;
	}
	(void)memcpy(realm->rpv, rpv, RMM_RPV_SIZE);
	if (realm->vcpu_count == 0U || realm->first_pe + realm->vcpu_count > QEMU_MAX_PES) {
		return fail(reader, "PEs %u to %u do not exist", realm->first_pe,
			    realm->first_pe + realm->vcpu_count - 1U);
	}
	return check_memory(reader, realm, dram_end);
}

static bool shares_transport(const struct realm_config *a, const struct realm_config *b)
{
	for (unsigned int i = 0; i < a->virtio_count; i++) {
		for (unsigned int j = a == b ? i + 1U : 0U; j < b->virtio_count; j++) {
			if (a->virtio[i] == b->virtio[j]) {
				return true;
			}
		}
	}
	return false;
}

/* What belongs to one realm belongs to no other: this is what keeps them apart. */
static bool check_apart(const struct reader *reader, const struct realm_config *a,
			const struct realm_config *b)
{
	if (a->first_pe < b->first_pe + b->vcpu_count &&
	    b->first_pe < a->first_pe + a->vcpu_count) {
		return fail(reader, "shares a PE with another realm");
	}
	if (a->window_base < b->window_base + b->ram_size &&
	    b->window_base < a->window_base + a->ram_size) {
		return fail(reader, "its window overlaps that of another realm");
	}
	return !shares_transport(a, b) ||
	       fail(reader, "shares a virtio transport with another realm");
}

static bool read_realms(struct reader *reader, uint64_t dram_end, struct manifest *manifest)
{
	int node;

	fdt_for_each_subnode(node, reader->fdt, 0)
	{
		struct realm_config *realm = &manifest->realms[manifest->realm_count];

		reader->node = node;
		reader->node_name = fdt_get_name(reader->fdt, node, NULL);
		if (manifest->realm_count == MANIFEST_MAX_REALMS) {
			return fail(reader, "more than %d realms", MANIFEST_MAX_REALMS);
		}
		if (!read_realm(reader, dram_end, realm)) {
			return false;
		}
		if (shares_transport(realm, realm)) {
			return fail(reader, "names a virtio transport twice");
		}
		for (unsigned int n = 0; n < manifest->realm_count; n++) {
			if (!check_apart(reader, realm, &manifest->realms[n])) {
				return false;
			}
		}
		manifest->realm_count++;
	}
	reader->node_name = "/";
	if (node != -FDT_ERR_NOTFOUND) {
		return fail(reader, "the tree is damaged");
	}
	return manifest->realm_count != 0U || fail(reader, "no realm");
}

bool manifest_parse(const void *fdt, size_t size, uint64_t dram_end, struct manifest *manifest,
		    char *error)
{
	struct reader reader = { .fdt = fdt, .node_name = "/", .error = error };

	(void)memset(manifest, 0, sizeof(*manifest));
	if (size < sizeof(struct fdt_header) || fdt_check_header(fdt) != 0 ||
	    fdt_totalsize(fdt) > size) {
		return fail(&reader, "not a flattened device tree of at most %lu bytes",
			    (unsigned long)size);
	}
	if (fdt_node_check_compatible(fdt, 0, "realmos,machine-1") != 0) {
		return fail(&reader, "not compatible with realmos,machine-1");
	}
	manifest->probe_isolation = fdt_getprop(fdt, 0, "probe-isolation", NULL) != NULL;
	return read_realms(&reader, dram_end, manifest);
}
