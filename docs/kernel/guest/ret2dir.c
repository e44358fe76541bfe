// SPDX-License-Identifier: GPL-2.0-only
/*
 * ret2dir, tried: make pages of a user by every way there is, and let the kernel
 * read each of them through the direct map, as an attacker would who has a
 * pointer dereference in the kernel and a page of his own to point it at.
 *
 *	RET2DIR_FILLING=... ret2dir DISK FILE [CASE]...
 *
 * The variable holds two pages of text, for exec to copy. DISK is a directory of a file system on a disk, FILE a file of at least 256 KiB
 * that nothing has read yet.  Prints a line for each case:
 *
 *	case=NAME pfn=N owner=... alias=... read=... value=... gfp=... pages=P
 *	readable=R leaked=L
 *
 * with the answer of /sys/kernel/debug/xpfo/probe for the first page of the case,
 * of how many pages the alias could be read, and of how many the user's own data
 * came back.  Fails if a page could not be made in the way that its case says.
 */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "case.h"

#define HUGE (2UL << 20)
#define PROBE "/sys/kernel/debug/xpfo/probe"
#define TRIES 50		/* of compaction */
#define PRESENT (1ULL << 63)
#define SWAPPED (1ULL << 62)
#define PFN ((1ULL << 55) - 1)
#define KPF_THP 22

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

struct answer {
	char text[160];
	int readable;
	uint64_t value;
};

#define SEED 77

static int pagemap, kpageflags, probe;
static const char *disk, *unread;

/* --- Asking the kernel. --- */

static struct answer ask(const char *question)
{
	struct answer answer = { .readable = 0 };
	ssize_t length;
	char *at;

	must(write(probe, question, strlen(question)) == (ssize_t)strlen(question));
	length = pread(probe, answer.text, sizeof(answer.text) - 1, 0);
	must(length > 0);
	answer.text[length] = '\0';
	answer.text[strcspn(answer.text, "\n")] = '\0';
	at = strstr(answer.text, "read=");
	must(at != NULL);
	answer.readable = !strncmp(at, "read=ok", 7);
	at = strstr(answer.text, "value=");
	if (at)
		answer.value = strtoull(at + 6, NULL, 0);
	return answer;
}

static struct answer ask_va(const void *address)
{
	char question[64];

	snprintf(question, sizeof(question), "va %#lx\n", (unsigned long)address);
	return ask(question);
}

static struct answer ask_pfn(uint64_t pfn)
{
	char question[64];

	snprintf(question, sizeof(question), "pfn %llu\n", (unsigned long long)pfn);
	return ask(question);
}

static uint64_t entry(const void *address)
{
	uint64_t entry = 0;

	must(pread(pagemap, &entry, 8, (unsigned long)address / PAGE * 8) == 8);
	return entry;
}

static uint64_t pfn_of(const void *address)
{
	uint64_t found = entry(address);

	must(found & PRESENT);
	return found & PFN;
}

static void say(const char *name, const struct answer *first, int pages,
		int readable, int leaked)
{
	printf("case=%s %s pages=%d readable=%d leaked=%d\n", name, first->text,
	       pages, readable, leaked);
	fflush(stdout);
}

/* Pages of this process: whoever reads one must not find what its user sees. */
static void report(void *const *pages, int count)
{
	struct answer first;
	int readable = 0, leaked = 0;

	for (int i = 0; i < count; i++) {
		uint64_t secret = *(volatile uint64_t *)pages[i];
		struct answer answer;

		must(secret != 0);
		answer = ask_va(pages[i]);
		if (!i)
			first = answer;
		readable += answer.readable;
		leaked += answer.readable && answer.value == secret;
	}
	say(now, &first, count, readable, leaked);
}

static void report_area(char *area, unsigned long step)
{
	void *pages[FEW];

	for (int i = 0; i < FEW; i++)
		pages[i] = area + i * step;
	report(pages, FEW);
}

/* --- Making pages. --- */

static int new_file(const char *directory, const char *name, unsigned long pages)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ret2dir.%s", directory, name);
	return file_of(path, pages, SEED);
}

static char *map_file(int fd, unsigned long pages, int protection)
{
	char *area = mmap(NULL, pages * PAGE, protection, MAP_SHARED, fd, 0);

	must(area != MAP_FAILED);
	return area;
}

static int cached(int fd, unsigned long page)
{
	unsigned char resident = 0;
	char *area = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, page * PAGE);

	must(area != MAP_FAILED);
	must(!mincore(area, PAGE, &resident));
	munmap(area, PAGE);
	return resident & 1;
}

/* --- Anonymous memory. --- */

static void first_write(void)
{
	char *area = small_pages(FEW);

	fill(area, FEW, SEED);
	report_area(area, PAGE);
}

static void zero_page_cow(void)
{
	char *area = small_pages(FEW);
	uint64_t zero;

	must(*(volatile char *)area == 0);
	zero = pfn_of(area);
	for (int i = 0; i < FEW; i++)
		must(((volatile char *)area)[i * PAGE] == 0);
	fill(area, FEW, SEED);
	must(pfn_of(area) != zero);
	report_area(area, PAGE);
}

static void in_a_child(void (*work)(char *), char *argument)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	must(child >= 0);
	if (!child) {
		pagemap = open("/proc/self/pagemap", O_RDONLY);
		probe = open(PROBE, O_RDWR);
		work(argument);
		fflush(stdout);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && !status);
}

static void child_writes(char *area)
{
	uint64_t shared = pfn_of(area);

	fill(area, FEW, SEED);
	must(pfn_of(area) != shared);
	report_area(area, PAGE);
}

static void forked_cow(void)
{
	char *area = small_pages(FEW);

	fill(area, FEW, SEED);
	in_a_child(child_writes, area);
}

static void read_into(void)	/* copy_to_user */
{
	char *area = small_pages(FEW), page[PAGE];
	int ends[2];

	must(!pipe(ends));
	for (int i = 0; i < FEW; i++) {
		memset(page, 'r', sizeof(page));
		*(uint64_t *)page = secret(i + 500);
		must(write(ends[1], page, PAGE) == PAGE);
		must(read(ends[0], area + i * PAGE, PAGE) == PAGE);
	}
	report_area(area, PAGE);
	close(ends[0]);
	close(ends[1]);
}

static void written_from(void)	/* copy_from_user */
{
	char *area = small_pages(FEW);
	int null = open("/tmp/ret2dir.sink", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fill(area, FEW, SEED);
	must(write(null, area, FEW * PAGE) == FEW * PAGE);
	close(null);
	unlink("/tmp/ret2dir.sink");
	report_area(area, PAGE);
}

static void other_process(void)	/* process_vm_writev into this one */
{
	char *area = small_pages(FEW), *data = small_pages(FEW);
	struct iovec from = { data, FEW * PAGE }, to = { area, FEW * PAGE };

	fill(data, FEW, SEED);
	must(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == FEW * PAGE);
	report_area(area, PAGE);
}

static void arguments_of_exec(void)
{
	char *text = getenv("RET2DIR_FILLING"), *page;

	must(text != NULL && strlen(text) >= 2 * PAGE);
	page = (char *)((unsigned long)(text + PAGE) & -PAGE);
	report((void *[]){ page }, 1);
}

static void direct_read(void)	/* by DMA from the disk, no copy at all */
{
	char *area = small_pages(FEW), path[256];
	int fd = new_file(disk, "direct", FEW);

	forget(fd);
	close(fd);
	snprintf(path, sizeof(path), "%s/ret2dir.direct", disk);
	fd = open(path, O_RDONLY | O_DIRECT);
	must(fd >= 0);
	must(read(fd, area, FEW * PAGE) == FEW * PAGE);
	must(*(uint64_t *)area == secret(SEED));
	report_area(area, PAGE);
	close(fd);
}

static void userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *area = small_pages(FEW), *data = small_pages(FEW);
	struct uffdio_register registration = {
		.range = { (unsigned long)area, FEW * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = {
		.dst = (unsigned long)area,
		.src = (unsigned long)data,
		.len = FEW * PAGE,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	must(fd >= 0);
	fill(data, FEW, SEED);
	must(!ioctl(fd, UFFDIO_API, &api));
	must(!ioctl(fd, UFFDIO_REGISTER, &registration));
	must(!ioctl(fd, UFFDIO_COPY, &copy));
	report_area(area, PAGE);
	close(fd);
}

static int is_huge(const void *address)
{
	uint64_t flags = 0;

	must(pread(kpageflags, &flags, 8, pfn_of(address) * 8) == 8);
	return flags >> KPF_THP & 1;
}

static char *huge_page(void)
{
	char *area = anonymous(2 * HUGE);

	area = (char *)(((unsigned long)area + HUGE - 1) & -HUGE);
	must(!madvise(area, HUGE, MADV_HUGEPAGE));
	fill(area, 1, SEED);
	must(is_huge(area));
	fill(area, HUGE / PAGE, SEED);
	return area;
}

static void huge(void)
{
	report_area(huge_page(), HUGE / FEW);
}

static void huge_split(void)
{
	char *area = huge_page();

	put("/sys/kernel/debug/split_huge_pages", "1");
	must(!is_huge(area));
	report_area(area, PAGE);
}

static void shared_by_ksm(void)
{
	char *area = small_pages(2 * FEW);
	int ksm = open("/sys/kernel/mm/ksm/run", O_WRONLY);
	int pace = open("/sys/kernel/mm/ksm/sleep_millisecs", O_WRONLY);
	int merged = 0;

	must(ksm >= 0 && pace >= 0);
	for (int i = 0; i < 2 * FEW; i++) {
		memset(area + i * PAGE, 'k', PAGE);
		*(uint64_t *)(area + i * PAGE) = secret(i / 2 + 900);
	}
	must(!madvise(area, 2 * FEW * PAGE, MADV_MERGEABLE));
	must(write(pace, "1", 1) == 1 && write(ksm, "1", 1) == 1);
	for (int wait = 0; wait < 600 && merged < FEW; wait++) {
		poll(NULL, 0, 100);
		merged = 0;
		for (int i = 0; i < FEW; i++)
			merged += pfn_of(area + 2 * i * PAGE) ==
				  pfn_of(area + (2 * i + 1) * PAGE);
	}
	must(write(ksm, "0", 1) == 1);
	must(merged == FEW);
	report_area(area, 2 * PAGE);
	close(ksm);
	close(pace);
}

/* --- Files. --- */

static void tmpfs_written(void)
{
	int fd = new_file("/tmp", "tmpfs", FEW);

	report_area(map_file(fd, FEW, PROT_READ), PAGE);
	close(fd);
}

static void tmpfs_faulted(void)
{
	int fd = memfd_create("ret2dir", 0);
	char *area;

	must(fd >= 0 && !ftruncate(fd, FEW * PAGE));
	area = map_file(fd, FEW, PROT_READ | PROT_WRITE);
	fill(area, FEW, SEED);
	report_area(area, PAGE);
	close(fd);
}

static void system_v(void)
{
	int id = shmget(IPC_PRIVATE, FEW * PAGE, IPC_CREAT | 0600);
	char *area = shmat(id, NULL, 0);

	must(id >= 0 && area != (void *)-1);
	must(!shmctl(id, IPC_RMID, NULL));
	fill(area, FEW, SEED);
	report_area(area, PAGE);
}

static void disk_written(void)
{
	int fd = new_file(disk, "written", FEW);

	report_area(map_file(fd, FEW, PROT_READ), PAGE);
	close(fd);
}

/* The first read of a file brings in its page, and readahead those behind it. */
static void file_read(int fd, int behind)
{
	char page[PAGE], *area;

	must(read(fd, page, PAGE) == PAGE);
	must(cached(fd, 1));
	area = map_file(fd, 1 + FEW, PROT_READ);
	if (behind) {
		must(cached(fd, 1) && cached(fd, 2));
		report((void *[]){ area + PAGE, area + 2 * PAGE }, 2);
	} else {
		report((void *[]){ area }, 1);
	}
	must(!munmap(area, (1 + FEW) * PAGE));
}

static void file_faulted(int fd)
{
	char *area = map_file(fd, 64, PROT_READ);

	must(!madvise(area, 64 * PAGE, MADV_RANDOM));
	for (int i = 0; i < FEW; i++) {
		must(!cached(fd, 8 * i));
		(void)*(volatile char *)(area + 8 * i * PAGE);
	}
	report_area(area, 8 * PAGE);
	must(!munmap(area, 64 * PAGE));
}

static int on_disk(void)
{
	int fd = new_file(disk, "file", 64);

	forget(fd);
	must(!cached(fd, 0) && !cached(fd, 1));
	must(!lseek(fd, 0, SEEK_SET));
	return fd;
}

static int over_9p(void)
{
	int fd = open(unread, O_RDONLY);

	must(fd >= 0);
	forget(fd);
	must(!cached(fd, 0) && !cached(fd, 1));
	return fd;
}

static void with(int fd, void (*work)(int, int), int argument)
{
	work(fd, argument);
	close(fd);
}

static void faulted(int fd, int unused)
{
	(void)unused;
	file_faulted(fd);
}

static void disk_read(void) { with(on_disk(), file_read, 0); }
static void disk_readahead(void) { with(on_disk(), file_read, 1); }
static void disk_faulted(void) { with(on_disk(), faulted, 0); }
static void p9_read(void) { with(over_9p(), file_read, 0); }
static void p9_readahead(void) { with(over_9p(), file_read, 1); }
static void p9_faulted(void) { with(over_9p(), faulted, 0); }

static void private_copy(void)	/* do_cow_fault: a file's page copied at a write */
{
	int fd = new_file(disk, "private", FEW);
	char *area = mmap(NULL, FEW * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	must(area != MAP_FAILED);
	for (int i = 0; i < FEW; i++)
		area[i * PAGE + 8] = 'y';
	report_area(area, PAGE);
	close(fd);
}

static void pipe_buffer(void)
{
	struct answer answer;
	uint64_t data[PAGE / 8];
	char question[32];
	int ends[2];

	for (unsigned long i = 0; i < PAGE / 8; i++)
		data[i] = secret(i);
	must(!pipe(ends));
	must(write(ends[1], data, PAGE) == PAGE);
	snprintf(question, sizeof(question), "pipe %d\n", ends[0]);
	answer = ask(question);
	say(now, &answer, 1, answer.readable,
	    answer.readable && answer.value == data[0]);
	close(ends[0]);
	close(ends[1]);
}

/* --- Pages with a history. --- */

static void swapped_in(void)
{
	char *area = small_pages(FEW);

	fill(area, FEW, SEED);
	for (int try = 0; try < 100; try++) {
		int out = 0;

		must(!madvise(area, FEW * PAGE, MADV_PAGEOUT));
		for (int i = 0; i < FEW; i++)
			out += !(entry(area + i * PAGE) & PRESENT);
		if (out == FEW)
			break;
		poll(NULL, 0, 100);
	}
	for (int i = 0; i < FEW; i++)
		must(entry(area + i * PAGE) & SWAPPED);
	/* Leave the swap cache too: the frame that comes back must be a new one. */
	put("/proc/sys/vm/drop_caches", "1");
	for (int i = 0; i < FEW; i++)
		must(*(volatile uint64_t *)(area + i * PAGE) == secret(SEED + i * 512));
	report_area(area, PAGE);
}

static void freed(void)
{
	char *area = small_pages(FEW);
	struct answer first;
	uint64_t pfns[FEW], secrets[FEW];
	int readable = 0, leaked = 0;

	fill(area, FEW, SEED);
	for (int i = 0; i < FEW; i++) {
		pfns[i] = pfn_of(area + i * PAGE);
		secrets[i] = *(uint64_t *)(area + i * PAGE);
	}
	must(!munmap(area, FEW * PAGE));
	for (int i = 0; i < FEW; i++) {
		struct answer answer = ask_pfn(pfns[i]);

		if (!i)
			first = answer;
		readable += answer.readable;
		leaked += answer.readable && answer.value == secrets[i];
	}
	say(now, &first, FEW, readable, leaked);
}

/*
 * Every second page of nearly all memory is freed, and memory is compacted.  That
 * ends early where it cannot isolate a free page in time, so it may need some tries.
 */
static void migrated(void)
{
	unsigned long pages = sysconf(_SC_AVPHYS_PAGES) / 10 * 9, found = 0;
	char *area = small_pages(pages);
	uint64_t *before = calloc(pages, sizeof(*before));
	void *moved[FEW];

	must(before != NULL);
	for (unsigned long i = 0; i < pages; i++)
		*(uint64_t *)(area + i * PAGE) = secret(SEED + i);
	for (unsigned long i = 1; i < pages; i += 2)
		must(!madvise(area + i * PAGE, PAGE, MADV_DONTNEED));
	for (unsigned long i = 0; i < pages; i += 2)
		before[i] = entry(area + i * PAGE) & PRESENT ? pfn_of(area + i * PAGE) : 0;
	for (int try = 0; try < TRIES && found < FEW; try++) {
		put("/proc/sys/vm/compact_memory", "1");
		found = 0;
		for (unsigned long i = 0; i < pages && found < FEW; i += 2)
			if (before[i] && entry(area + i * PAGE) & PRESENT &&
			    pfn_of(area + i * PAGE) != before[i])
				moved[found++] = area + i * PAGE;
	}
	must(found == FEW);
	for (unsigned long i = 0; i < pages; i += 2)
		must(*(uint64_t *)(area + i * PAGE) == secret(SEED + i));
	report(moved, FEW);
	now = "migrated-from";
	{
		uint64_t old = before[((char *)moved[0] - area) / PAGE];
		struct answer answer = ask_pfn(old);

		say(now, &answer, 1, answer.readable,
		    answer.readable && answer.value == *(uint64_t *)moved[0]);
	}
	free(before);
	munmap(area, pages * PAGE);
}

static const struct test tests[] = {
	{ "anonymous", first_write },
	{ "zero-page-cow", zero_page_cow },
	{ "forked-cow", forked_cow },
	{ "read-into", read_into },
	{ "written-from", written_from },
	{ "process-vm-writev", other_process },
	{ "exec-arguments", arguments_of_exec },
	{ "direct-io-read", direct_read },
	{ "userfaultfd-copy", userfault },
	{ "thp", huge },
	{ "thp-split", huge_split },
	{ "ksm", shared_by_ksm },
	{ "tmpfs-write", tmpfs_written },
	{ "tmpfs-fault", tmpfs_faulted },
	{ "sysv-shm", system_v },
	{ "ext4-write", disk_written },
	{ "ext4-read", disk_read },
	{ "ext4-readahead", disk_readahead },
	{ "ext4-fault", disk_faulted },
	{ "9p-read", p9_read },
	{ "9p-readahead", p9_readahead },
	{ "9p-fault", p9_faulted },
	{ "private-copy", private_copy },
	{ "pipe", pipe_buffer },
	{ "swapped-in", swapped_in },
	{ "freed", freed },
	{ "migrated", migrated },
};

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: ret2dir DISK FILE [CASE]...\n");
		return 2;
	}
	disk = argv[1];
	unread = argv[2];
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	kpageflags = open("/proc/kpageflags", O_RDONLY);
	probe = open(PROBE, O_RDWR);
	must(pagemap >= 0 && kpageflags >= 0);
	must(probe >= 0);
	run(tests, COUNT(tests), argv + 3);
	return 0;
}
