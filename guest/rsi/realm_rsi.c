// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only
/*
 * /dev/realm-rsi: the RMM's measurement commands, for programs in a realm.
 *
 * Linux offers attestation tokens (configfs, tsm/report), but no way to read or to extend the
 * realm's measurements. This does, and no more. docs/adr/0020-rsi-device.md says who may do what,
 * and why:
 *
 * - whoever opens the device reads the measurements and the realm's configuration, which are in
 *   every token anyway;
 * - extending takes a descriptor that is open for writing, and CAP_SYS_ADMIN;
 * - an open file may claim a REM: until it is closed, no other extends that one.
 */
#include <linux/arm-smccc.h>
#include <linux/cache.h>
#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/ioctl.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <abi/rsi_device.h>
#include <asm/rsi.h>

#define IOCTL_TYPE   0xCC
#define SHA_256_SIZE 32
#define SHA_512_SIZE 64
/* A value as the registers of RSI_MEASUREMENT_READ and RSI_MEASUREMENT_EXTEND hold it. */
#define VALUE_WORDS (RSI_DEVICE_VALUE_MAX / sizeof(u64))

static_assert(RSI_DEVICE_MEASUREMENT_READ == _IOWR(IOCTL_TYPE, 1, struct rsi_device_measurement));
static_assert(RSI_DEVICE_MEASUREMENT_EXTEND == _IOW(IOCTL_TYPE, 2, struct rsi_device_measurement));
static_assert(RSI_DEVICE_CLAIM == _IO(IOCTL_TYPE, 3));
static_assert(RSI_DEVICE_CONFIG == _IOR(IOCTL_TYPE, 4, struct rsi_device_config));

/* What the RMM said when the module was loaded; the same for as long as the realm lives. */
static struct rsi_device_config config __ro_after_init;

/* Who claims a REM, by index; protected by rem_lock, under which alone REMs are extended. */
static const struct file *claims[RSI_DEVICE_REM_LAST + 1];
static DEFINE_MUTEX(rem_lock);

static bool is_rem(unsigned long index)
{
	return index >= RSI_DEVICE_REM_FIRST && index <= RSI_DEVICE_REM_LAST;
}

static u32 hash_size(void)
{
	return config.hash_algorithm == RSI_DEVICE_SHA_512 ? SHA_512_SIZE : SHA_256_SIZE;
}

static bool may_extend(const struct file *file)
{
	return (file->f_mode & FMODE_WRITE) != 0 && capable(CAP_SYS_ADMIN);
}

static int error_of(unsigned long status)
{
	switch (status) {
	case RSI_SUCCESS:
		return 0;
	case RSI_ERROR_INPUT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int read_measurement(struct rsi_device_measurement *measurement)
{
	struct arm_smccc_1_2_regs regs = { .a0 = SMC_RSI_MEASUREMENT_READ };
	u64 words[VALUE_WORDS];

	if (measurement->index > RSI_DEVICE_REM_LAST || measurement->size != 0) {
		return -EINVAL;
	}
	regs.a1 = measurement->index;
	arm_smccc_1_2_smc(&regs, &regs);
	if (regs.a0 != RSI_SUCCESS) {
		return error_of(regs.a0);
	}
	words[0] = regs.a1;
	words[1] = regs.a2;
	words[2] = regs.a3;
	words[3] = regs.a4;
	words[4] = regs.a5;
	words[5] = regs.a6;
	words[6] = regs.a7;
	words[7] = regs.a8;
	measurement->size = hash_size();
	memset(measurement->value, 0, sizeof(measurement->value));
	memcpy(measurement->value, words, measurement->size);
	return 0;
}

static unsigned long extend(const struct rsi_device_measurement *measurement)
{
	struct arm_smccc_1_2_regs regs = { .a0 = SMC_RSI_MEASUREMENT_EXTEND };
	u64 words[VALUE_WORDS] = { 0 };

	memcpy(words, measurement->value, measurement->size);
	regs.a1 = measurement->index;
	regs.a2 = measurement->size;
	regs.a3 = words[0];
	regs.a4 = words[1];
	regs.a5 = words[2];
	regs.a6 = words[3];
	regs.a7 = words[4];
	regs.a8 = words[5];
	regs.a9 = words[6];
	regs.a10 = words[7];
	arm_smccc_1_2_smc(&regs, &regs);
	return regs.a0;
}

static int extend_measurement(const struct file *file,
			      const struct rsi_device_measurement *measurement)
{
	const struct file *owner;

	if (!is_rem(measurement->index) || measurement->size > RSI_DEVICE_VALUE_MAX) {
		return -EINVAL;
	}
	if (!may_extend(file)) {
		return -EPERM;
	}
	guard(mutex)(&rem_lock);
	owner = claims[measurement->index];
	if (owner != NULL && owner != file) {
		return -EBUSY;
	}
	return error_of(extend(measurement));
}

static int claim(const struct file *file, unsigned long index)
{
	if (!is_rem(index)) {
		return -EINVAL;
	}
	if (!may_extend(file)) {
		return -EPERM;
	}
	guard(mutex)(&rem_lock);
	if (claims[index] != NULL && claims[index] != file) {
		return -EBUSY;
	}
	claims[index] = file;
	return 0;
}

static long realm_rsi_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	void __user *user = (void __user *)argument;
	struct rsi_device_measurement measurement;
	int error;

	switch (command) {
	case RSI_DEVICE_CLAIM:
		return claim(file, argument);
	case RSI_DEVICE_CONFIG:
		return copy_to_user(user, &config, sizeof(config)) != 0 ? -EFAULT : 0;
	case RSI_DEVICE_MEASUREMENT_READ:
	case RSI_DEVICE_MEASUREMENT_EXTEND:
		break;
	default:
		return -ENOTTY;
	}
	if (copy_from_user(&measurement, user, sizeof(measurement)) != 0) {
		return -EFAULT;
	}
	if (command == RSI_DEVICE_MEASUREMENT_EXTEND) {
		return extend_measurement(file, &measurement);
	}
	error = read_measurement(&measurement);
	if (error == 0 && copy_to_user(user, &measurement, sizeof(measurement)) != 0) {
		error = -EFAULT;
	}
	return error;
}

static int realm_rsi_release(struct inode *inode, struct file *file)
{
	guard(mutex)(&rem_lock);
	for (size_t index = 0; index < ARRAY_SIZE(claims); index++) {
		if (claims[index] == file) {
			claims[index] = NULL;
		}
	}
	return 0;
}

static const struct file_operations realm_rsi_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = realm_rsi_ioctl,
	.release = realm_rsi_release,
};

static struct miscdevice realm_rsi_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "realm-rsi",
	.fops = &realm_rsi_operations,
	.mode = 0644,
};

static int __init read_config(void)
{
	/* A page of its own: the RMM wants an address of one. */
	struct realm_config *page = (struct realm_config *)get_zeroed_page(GFP_KERNEL);
	int error;

	static_assert(sizeof(*page) == PAGE_SIZE);
	if (page == NULL) {
		return -ENOMEM;
	}
	error = error_of(rsi_get_realm_config(page));
	if (error == 0) {
		config.ipa_width = page->ipa_bits;
		/* The other bytes of the word are reserved. */
		config.hash_algorithm = (u8)page->hash_algo;
		memcpy(config.rpv, page->rpv, sizeof(config.rpv));
	}
	free_page((unsigned long)page);
	return error;
}

static int __init realm_rsi_init(void)
{
	int error;

	if (!is_realm_world()) {
		return -ENODEV;
	}
	error = read_config();
	return error != 0 ? error : misc_register(&realm_rsi_device);
}
module_init(realm_rsi_init);

static void __exit realm_rsi_exit(void)
{
	misc_deregister(&realm_rsi_device);
}
module_exit(realm_rsi_exit);

MODULE_DESCRIPTION("Measurements of an Arm CCA realm, for its programs");
MODULE_AUTHOR("The realmos authors");
MODULE_LICENSE("Dual BSD/GPL");
