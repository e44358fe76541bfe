// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel code that reaches for the memory of a process: other processes, ptrace,
 * core dumps, swap, copy on write, huge pages, KSM, userfaultfd, uprobes, kexec.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/kexec.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "case.h"

#define HUGE (2UL << 20)
#define SEED 1000UL

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* A child that has `pages` of secrets, and stops until it is killed. */
static pid_t target(char **area, unsigned long pages)
{
	pid_t child;

	*area = secrets(pages, SEED);
	child = fork();
	must(child >= 0);
	if (!child) {
		fill(*area, pages, SEED + 1);	/* its own copies */
		raise(SIGSTOP);
		_exit(!filled(*area, pages, SEED + 2));
	}
	must(waitpid(child, NULL, WUNTRACED) == child);
	return child;
}

static void released(pid_t child, char *area, unsigned long pages)
{
	must(!kill(child, SIGCONT));
	child_succeeded(child);
	must(filled(area, pages, SEED));
	must(!munmap(area, pages * PAGE));
}

static void proc_mem(void)
{
	char *area, *data = small_pages(FEW), path[64];
	pid_t child = target(&area, FEW);
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	fd = open(path, O_RDWR);
	must(fd >= 0);
	must(pread(fd, data, FEW * PAGE, (off_t)area) == FEW * PAGE);
	must(filled(data, FEW, SEED + 1));
	fill(data, FEW, SEED + 2);
	must(pwrite(fd, data, FEW * PAGE, (off_t)area) == FEW * PAGE);
	close(fd);
	released(child, area, FEW);
}

static void proc_texts(void)
{
	static const char *const names[] = {
		"cmdline", "environ", "maps", "smaps", "pagemap", "stat", "auxv",
	};
	char buffer[PAGE], path[64], *area;
	pid_t child = target(&area, FEW);

	for (unsigned long i = 0; i < COUNT(names); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", child, names[i]);
		fd = open(path, O_RDONLY);
		must(fd >= 0);
		must(read(fd, buffer, sizeof(buffer)) > 0);
		close(fd);
	}
	must(!kill(child, SIGKILL));
	must(waitpid(child, NULL, 0) == child);
}

static void process_vm(void)
{
	char *area, *data = small_pages(FEW);
	pid_t child = target(&area, FEW);
	struct iovec here = { data, FEW * PAGE }, there = { area, FEW * PAGE };

	must(process_vm_readv(child, &here, 1, &there, 1, 0) == FEW * PAGE);
	must(filled(data, FEW, SEED + 1));
	fill(data, FEW, SEED + 2);
	must(process_vm_writev(child, &here, 1, &there, 1, 0) == FEW * PAGE);
	released(child, area, FEW);
}

static void ptrace_words(void)
{
	char *area = secrets(FEW, SEED);
	pid_t child = fork();

	must(child >= 0);
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		fill(area, FEW, SEED + 1);
		raise(SIGSTOP);
		_exit(*(uint64_t *)area != secret(SEED + 2));
	}
	must(waitpid(child, NULL, 0) == child);
	for (int i = 0; i < FEW; i++) {
		errno = 0;
		must((uint64_t)ptrace(PTRACE_PEEKDATA, child, area + i * PAGE, NULL) ==
		     secret(SEED + 1 + i * 512));
		must(!ptrace(PTRACE_POKEDATA, child, area + i * PAGE,
			     secret(SEED + 2 + i * 512)));
	}
	must(!ptrace(PTRACE_CONT, child, NULL, NULL));
	child_succeeded(child);
}

static void dies_with_a_core(const char *pattern)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int status = 0;
	pid_t child;

	put("/proc/sys/kernel/core_pattern", pattern);
	child = fork();
	must(child >= 0);
	if (!child) {
		secrets(64, SEED);
		must(!setrlimit(RLIMIT_CORE, &all));
		must(!chdir("/mnt"));
		raise(SIGQUIT);
		_exit(1);
	}
	must(waitpid(child, &status, 0) == child);
	must(WIFSIGNALED(status) && WCOREDUMP(status));
}

static void core_file(void)
{
	struct stat core;

	dies_with_a_core("/mnt/core");
	must(!stat("/mnt/core", &core) && core.st_size > 64 * (off_t)PAGE);
	unlink("/mnt/core");
}

static void core_pipe(void)
{
	/* The kernel starts it in the root of the initramfs. */
	dies_with_a_core("|/bin/busybox dd of=/dev/null");
	put("/proc/sys/kernel/core_pattern", "core");
}

static void out_and_in(void)
{
	char *area = secrets(512, SEED);

	must(!madvise(area, 512 * PAGE, MADV_PAGEOUT));
	put("/proc/sys/vm/drop_caches", "3");
	must(filled(area, 512, SEED));
	must(!munmap(area, 512 * PAGE));
}

static void copies_on_write(void)
{
	char *area = secrets(64, SEED);
	pid_t child = fork();

	must(child >= 0);
	if (!child) {
		fill(area, 64, SEED + 1);
		_exit(!filled(area, 64, SEED + 1));
	}
	child_succeeded(child);
	must(filled(area, 64, SEED));
	must(mremap(area, 64 * PAGE, 128 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
}

static void huge_pages(void)
{
	char *area = anonymous(4 * HUGE), *huge;
	pid_t child;

	huge = (char *)(((unsigned long)area + HUGE - 1) & -HUGE);
	must(!madvise(huge, 2 * HUGE, MADV_HUGEPAGE));
	fill(huge, HUGE / PAGE, SEED);
	child = fork();
	must(child >= 0);
	if (!child) {
		fill(huge, HUGE / PAGE, SEED + 1);
		_exit(!filled(huge, HUGE / PAGE, SEED + 1));
	}
	child_succeeded(child);
	must(!munmap(huge + PAGE, PAGE));
	must(!madvise(huge, PAGE, MADV_PAGEOUT));
	must(filled(huge, 1, SEED));
}

static void collapse(void)
{
	char *area = anonymous(2 * HUGE), *huge;

	huge = (char *)(((unsigned long)area + HUGE - 1) & -HUGE);
	must(!madvise(huge, HUGE, MADV_NOHUGEPAGE));
	fill(huge, HUGE / PAGE, SEED);
	must(!madvise(huge, HUGE, MADV_HUGEPAGE));
	must(!madvise(huge, HUGE, MADV_COLLAPSE));
	must(filled(huge, HUGE / PAGE, SEED));
}

static void merged_by_ksm(void)
{
	char *area = small_pages(64), shared[32] = "0";
	int fd;

	for (int i = 0; i < 64; i++)
		fill(area + i * PAGE, 1, SEED);
	must(!madvise(area, 64 * PAGE, MADV_MERGEABLE));
	put("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	put("/sys/kernel/mm/ksm/run", "1");
	for (int wait = 0; wait < 600 && atoi(shared) < 32; wait++) {
		poll(NULL, 0, 100);
		fd = open("/sys/kernel/mm/ksm/pages_sharing", O_RDONLY);
		must(fd >= 0 && read(fd, shared, sizeof(shared)) > 0);
		close(fd);
	}
	must(atoi(shared) >= 32);
	for (int i = 0; i < 64; i += 2)
		fill(area + i * PAGE, 1, SEED + 1);	/* and apart again */
	put("/sys/kernel/mm/ksm/run", "2");
	must(filled(area + PAGE, 1, SEED));
}

static void userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	char *area = small_pages(2 * FEW), *data = secrets(FEW, SEED);
	struct uffdio_register registration = {
		.range = { (unsigned long)area, 2 * FEW * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_copy copy = {
		.dst = (unsigned long)area,
		.src = (unsigned long)data,
		.len = FEW * PAGE,
	};
	struct uffdio_zeropage zero = {
		.range = { (unsigned long)area + FEW * PAGE, FEW * PAGE },
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	must(fd >= 0);
	must(!ioctl(fd, UFFDIO_API, &api));
	must(!ioctl(fd, UFFDIO_REGISTER, &registration));
	must(!ioctl(fd, UFFDIO_COPY, &copy));
	must(!ioctl(fd, UFFDIO_ZEROPAGE, &zero));
	must(filled(area, FEW, SEED));
	close(fd);
}

static void *waiter(void *word)
{
	syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return NULL;
}

static void futex_in_shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, FEW * PAGE, IPC_CREAT | 0600);
	char *area = shmat(id, NULL, 0);
	pthread_t thread;

	must(id >= 0 && area != (void *)-1);
	must(!shmctl(id, IPC_RMID, NULL));
	must(!pthread_create(&thread, NULL, waiter, area));
	poll(NULL, 0, 100);
	*(volatile int *)area = 1;
	must(syscall(SYS_futex, area, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0);
	must(!pthread_join(thread, NULL));
	fill(area, FEW, SEED);
	must(!madvise(area, FEW * PAGE, MADV_PAGEOUT));
	must(filled(area, FEW, SEED));
	must(!shmdt(area));
}

static void memory_file(void)
{
	int fd = memfd_create("case", MFD_ALLOW_SEALING);
	char *area = secrets(FEW, SEED), *mapped;

	must(fd >= 0);
	must(write(fd, area, FEW * PAGE) == FEW * PAGE);
	must(!ftruncate(fd, FEW * PAGE - 100));		/* zeroes the rest */
	must(!ftruncate(fd, FEW * PAGE));
	must(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, PAGE));
	must(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	mapped = mmap(NULL, FEW * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	must(mapped != MAP_FAILED);
	must(mapped[100] == 0 && !memcmp(mapped, area, 100));
	must(!mapped[FEW * PAGE - 1] && filled(mapped + 2 * PAGE, 1, SEED + 1024));
	close(fd);
}

static void locked(void)
{
	char *area = secrets(FEW, SEED);
	unsigned char resident[FEW];

	must(!mlock(area, FEW * PAGE));
	must(!mincore(area, FEW * PAGE, resident) && resident[0] & 1);
	must(!munlock(area, FEW * PAGE));
	must(!mprotect(area, PAGE, PROT_READ) && filled(area, FEW, SEED));
}

static void long_arguments(void)
{
	char *words[65], *text = malloc(4000);
	pid_t child;

	memset(text, 'a', 3999);
	text[3999] = '\0';
	words[0] = "true";
	for (int i = 1; i < 64; i++)
		words[i] = text;
	words[64] = NULL;
	child = fork();
	must(child >= 0);
	if (!child) {
		execve("/bin/true", words, words + 32);
		_exit(1);
	}
	child_succeeded(child);
}

static void moved_by_compaction(void)
{
	unsigned long pages = sysconf(_SC_AVPHYS_PAGES) / 10 * 9;
	char *area = small_pages(pages);

	for (unsigned long i = 0; i < pages; i++)
		*(uint64_t *)(area + i * PAGE) = secret(SEED + i);
	for (unsigned long i = 1; i < pages; i += 2)
		must(!madvise(area + i * PAGE, PAGE, MADV_DONTNEED));
	put("/proc/sys/vm/compact_memory", "1");
	for (unsigned long i = 0; i < pages; i += 2)
		must(*(uint64_t *)(area + i * PAGE) == secret(SEED + i));
	must(!munmap(area, pages * PAGE));
}

__attribute__((noinline)) static int probed(int number)
{
	__asm__ volatile("");
	return number + 1;
}

static void uprobe(void)
{
	char line[PAGE], path[PAGE], text[2 * PAGE + 64];
	unsigned long start = 0, offset = 0, at = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	pid_t child;

	must(maps != NULL);
	while (!at && fgets(line, sizeof(line), maps)) {
		unsigned long end;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4000s", &start, &end, mode,
			   &offset, path) == 5 &&
		    (unsigned long)probed >= start && (unsigned long)probed < end)
			at = (unsigned long)probed - start + offset;
	}
	fclose(maps);
	must(at != 0);
	snprintf(text, sizeof(text), "p:xpfo_case %s:0x%lx\n", path, at);
	put("/sys/kernel/tracing/uprobe_events", text);
	put("/sys/kernel/tracing/events/uprobes/xpfo_case/enable", "1");
	child = fork();
	must(child >= 0);
	if (!child) {
		must(probed(1) == 2);
		_exit(0);
	}
	child_succeeded(child);
	must(probed(2) == 3);
	/* Removing the event would clear the trace. */
	put("/sys/kernel/tracing/events/uprobes/xpfo_case/enable", "0");
}

static void kexec_loaded(void)
{
	char *area = secrets(64, SEED);
	struct kexec_segment segment = {
		.buf = area,
		.bufsz = 64 * PAGE,
		.mem = (void *)(16UL << 20),
		.memsz = 64 * PAGE,
	};

	must(!syscall(SYS_kexec_load, 16UL << 20, 1, &segment, KEXEC_ARCH_DEFAULT));
	must(!syscall(SYS_kexec_load, 0, 0, NULL, KEXEC_ARCH_DEFAULT));
}

static const struct test tests[] = {
	{ "proc-mem", proc_mem },
	{ "proc-texts", proc_texts },
	{ "process-vm", process_vm },
	{ "ptrace", ptrace_words },
	{ "core-file", core_file },
	{ "core-pipe", core_pipe },
	{ "swap", out_and_in },
	{ "copy-on-write", copies_on_write },
	{ "thp", huge_pages },
	{ "thp-collapse", collapse },
	{ "ksm", merged_by_ksm },
	{ "userfaultfd", userfault },
	{ "shm-futex", futex_in_shared_memory },
	{ "memfd", memory_file },
	{ "mlock", locked },
	{ "exec-arguments", long_arguments },
	{ "compaction", moved_by_compaction },
	{ "uprobe", uprobe },
	{ "kexec-load", kexec_loaded },
};

int main(int argc, char **argv)
{
	(void)argc;
	run(tests, COUNT(tests), argv + 1);
	return 0;
}
