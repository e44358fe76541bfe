// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel code under a file system: loop devices, dm-crypt, zram, swap to a file, a
 * journal that holds data, and /proc/kcore, which reads all memory there is.
 *
 *	callers-block DISK [CASE]...
 *
 * DISK is a directory of ext4 on a disk with 128 MiB to spare.
 */
#define _GNU_SOURCE
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <elf.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>

#include "case.h"

#define SEED 4000UL
#define SOME 64
#define LENGTH (SOME * PAGE)
#define SECTOR 512UL
#define IMAGE (24UL << 20)

static const char *disk;

static const char *named(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/case.%s", disk, name);
	return path;
}

static void command(const char *text)
{
	must(!system(text));
}

static int looped(const char *name, int direct, char *device)
{
	int control = open("/dev/loop-control", O_RDWR), loop, number;
	struct loop_config config = {
		.fd = open(named(name), O_RDWR | O_CREAT | O_TRUNC, 0600),
		.info.lo_flags = direct ? LO_FLAGS_DIRECT_IO : 0,
	};

	must(control >= 0 && (int)config.fd >= 0 && !ftruncate(config.fd, IMAGE));
	number = ioctl(control, LOOP_CTL_GET_FREE);
	must(number >= 0);
	sprintf(device, "/dev/loop%d", number);
	loop = open(device, O_RDWR);
	must(loop >= 0);
	must(!ioctl(loop, LOOP_CONFIGURE, &config));
	close(config.fd);
	close(control);
	return loop;
}

static void file_system_on(const char *device, const char *options)
{
	char text[256];
	int fd;

	snprintf(text, sizeof(text), "/sbin/mkfs.ext4 -q -F %s", device);
	command(text);
	mkdir("/tmp/mounted", 0700);
	must(!mount(device, "/tmp/mounted", "ext4", 0, options));
	fd = file_of("/tmp/mounted/file", 4 * SOME, SEED);
	forget(fd);
	{
		char *area = small_pages(4 * SOME);

		all_read(fd, area, 4 * LENGTH);
		must(filled(area, 4 * SOME, SEED));
		must(!munmap(area, 4 * LENGTH));
	}
	close(fd);
	must(!umount("/tmp/mounted"));
}

static void loop_with(int direct, const char *options)
{
	char device[32];
	int loop = looped("loop", direct, device);

	file_system_on(device, options);
	must(!ioctl(loop, LOOP_CLR_FD, 0));
	close(loop);
	must(!unlink(named("loop")));
}

static void loop_buffered(void) { loop_with(0, NULL); }
static void loop_direct(void) { loop_with(1, NULL); }
static void data_in_the_journal(void) { loop_with(0, "data=journal"); }

static struct dm_ioctl *dm(unsigned int number, unsigned int flags, const char *target)
{
	static char buffer[16384];
	struct dm_ioctl *head = (void *)buffer;
	int control = open("/dev/mapper/control", O_RDWR);

	memset(buffer, 0, sizeof(buffer));
	must(control >= 0);
	*head = (struct dm_ioctl){
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(buffer),
		.data_start = sizeof(*head),
		.flags = flags,
		.name = "xpfo-case",
	};
	if (target) {
		struct dm_target_spec *spec = (void *)(head + 1);

		head->target_count = 1;
		spec->length = IMAGE / SECTOR;
		strcpy(spec->target_type, "crypt");
		strcpy((char *)(spec + 1), target);
	}
	must(!ioctl(control, _IOWR(DM_IOCTL, number, struct dm_ioctl), head));
	close(control);
	return head;
}

static void encrypted(void)
{
	char device[32], target[256], *area = small_pages(IMAGE / PAGE);
	int loop = looped("crypt", 0, device), image;
	unsigned long plain = 0;
	uint64_t number;

	dm(DM_DEV_CREATE_CMD, 0, NULL);
	snprintf(target, sizeof(target), "aes-xts-plain64 %064d%064d 0 %s 0", 1, 2,
		 device);
	dm(DM_TABLE_LOAD_CMD, 0, target);
	number = dm(DM_DEV_SUSPEND_CMD, 0, NULL)->dev;	/* without the flag: resume */
	must(!mknod("/tmp/crypt", S_IFBLK | 0600,
		    makedev(number >> 8 & 0xfff, number & 0xff)));
	file_system_on("/tmp/crypt", NULL);
	dm(DM_DEV_REMOVE_CMD, 0, NULL);
	must(!unlink("/tmp/crypt"));
	must(!ioctl(loop, LOOP_CLR_FD, 0));
	close(loop);
	image = open(named("crypt"), O_RDONLY);
	must(image >= 0);
	all_read(image, area, IMAGE);
	for (unsigned long i = 0; i < IMAGE / PAGE; i++)
		plain += *(uint64_t *)(area + i * PAGE) >> 40 == 0x5ec2e7;
	must(plain == 0);
	must(!munmap(area, IMAGE));
	close(image);
	must(!unlink(named("crypt")));
}

static void swaps_to(const char *device)
{
	char *area = secrets(1024, SEED);

	must(!swapon(device, SWAP_FLAG_PREFER | 1000));
	must(!madvise(area, 1024 * PAGE, MADV_PAGEOUT));
	put("/proc/sys/vm/drop_caches", "3");
	must(filled(area, 1024, SEED));
	must(!munmap(area, 1024 * PAGE));
	must(!swapoff(device));
}

static void swap_file(void)
{
	char text[300];
	int fd = file_of(named("swap"), 4096, SEED);

	fsync(fd);
	close(fd);
	snprintf(text, sizeof(text), "/sbin/mkswap %s >/dev/null", named("swap"));
	command(text);
	swaps_to(named("swap"));
	must(!unlink(named("swap")));
}

static void compressed_memory(void)
{
	put("/sys/block/zram0/disksize", "33554432");
	command("/sbin/mkswap /dev/zram0 >/dev/null");
	swaps_to("/dev/zram0");
	put("/sys/block/zram0/reset", "1");
	put("/sys/block/zram0/disksize", "33554432");
	file_system_on("/dev/zram0", NULL);
	put("/sys/block/zram0/reset", "1");
}

static void all_of_memory(void)	/* whoever is root may read; user pages, too? */
{
	int fd = open("/proc/kcore", O_RDONLY);
	char *area = secrets(FEW, SEED), *window = malloc(1 << 20);
	unsigned long found = 0, bytes = 0;
	Elf64_Ehdr head;

	must(fd >= 0 && read(fd, &head, sizeof(head)) == sizeof(head));
	for (int i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr part;

		must(pread(fd, &part, sizeof(part), head.e_phoff + i * sizeof(part)) ==
		     sizeof(part));
		/* RAM only: its physical address is known. */
		if (part.p_type != PT_LOAD || part.p_paddr + 1 == 0 ||
		    part.p_paddr > 1UL << 40 || !part.p_paddr)
			continue;
		for (unsigned long at = 0; at < part.p_filesz; at += 1 << 20) {
			unsigned long want = part.p_filesz - at;
			ssize_t got = pread(fd, window, want < 1 << 20 ? want : 1 << 20,
					    part.p_offset + at);

			if (got <= 0)
				continue;
			bytes += got;
			for (ssize_t j = 0; j + 8 <= got; j += PAGE)
				found += *(uint64_t *)(window + j) == secret(SEED);
		}
	}
	must(bytes > 64UL << 20 && filled(area, FEW, SEED));
	printf("kcore: %lu MiB read, %lu copies of the secret\n", bytes >> 20, found);
	close(fd);
}

static const struct test tests[] = {
	{ "loop", loop_buffered },
	{ "loop-direct", loop_direct },
	{ "data-journal", data_in_the_journal },
	{ "dm-crypt", encrypted },
	{ "swap-file", swap_file },
	{ "zram", compressed_memory },
	{ "kcore", all_of_memory },
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: callers-block DISK [CASE]...\n");
		return 2;
	}
	disk = argv[1];
	run(tests, COUNT(tests), argv + 2);
	return 0;
}
