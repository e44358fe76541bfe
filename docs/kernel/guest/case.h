/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program of cases: each is named, marked in the trace before it begins, and ends
 * the program if a step of it fails, for a case that did not run is no evidence.
 */
#ifndef XPFO_GUEST_CASE_H
#define XPFO_GUEST_CASE_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define FEW 8			/* pages of a case */
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct test {
	const char *name;
	void (*run)(void);
};

static const char *now;		/* the case that runs */

/* A case may not go on without this step. */
#define must(good) must_be((good) ? 1 : 0, #good, __FILE__, __LINE__)

static inline void must_be(int good, const char *step, const char *file, int line)
{
	if (good)
		return;
	fflush(stdout);
	fprintf(stderr, "%s:%d: case %s: %s: %s\n", file, line, now, step,
		strerror(errno));
	_exit(1);
}

static inline void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		must_be(0, text, path, 0);
	close(fd);
}

/* All of them, or those that are named. */
static inline void run(const struct test *tests, unsigned long count, char **names)
{
	unsigned long ran = 0, named = 0;
	char mark[64];

	for (unsigned long i = 0; i < count; i++) {
		int wanted = !*names;

		now = tests[i].name;
		for (char **name = names; *name; name++)
			wanted |= !strcmp(*name, now);
		if (!wanted)
			continue;
		ran++;
		snprintf(mark, sizeof(mark), "xpfo-case %s\n", now);
		put("/sys/kernel/tracing/trace_marker", mark);
		tests[i].run();
		fflush(stdout);
	}
	while (names[named])
		named++;
	must(ran == (named ? named : count));
	put("/sys/kernel/tracing/trace_marker", "xpfo-case end\n");
}

static inline void child_succeeded(pid_t child)
{
	int status = 0;

	must(waitpid(child, &status, 0) == child);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Differs from page to page, and is never zero. */
static inline uint64_t secret(unsigned long number)
{
	return 0x5ec2e70000000000ULL | (number * 0x9e3779b1UL & 0xffffffffffUL) | 1;
}

static inline char *anonymous(unsigned long length)
{
	char *area = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(area != MAP_FAILED);
	return area;
}

static inline char *small_pages(unsigned long pages)
{
	char *area = anonymous(pages * PAGE);

	must(!madvise(area, pages * PAGE, MADV_NOHUGEPAGE));
	return area;
}

static inline void fill(char *area, unsigned long pages, unsigned long seed)
{
	for (unsigned long i = 0; i < pages; i++)
		for (unsigned long j = 0; j < PAGE / 8; j++)
			((uint64_t *)(area + i * PAGE))[j] = secret(seed + i * 512 + j);
}

static inline int filled(const char *area, unsigned long pages, unsigned long seed)
{
	for (unsigned long i = 0; i < pages; i++)
		for (unsigned long j = 0; j < PAGE / 8; j++)
			if (((const uint64_t *)(area + i * PAGE))[j] !=
			    secret(seed + i * 512 + j))
				return 0;
	return 1;
}

static inline char *secrets(unsigned long pages, unsigned long seed)
{
	char *area = small_pages(pages);

	fill(area, pages, seed);
	return area;
}

/* A new file of `pages` pages of secrets, open at its start. */
static inline int file_of(const char *path, unsigned long pages, unsigned long seed)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *area = secrets(pages, seed);

	must(fd >= 0);
	must(write(fd, area, pages * PAGE) == (ssize_t)(pages * PAGE));
	must(lseek(fd, 0, SEEK_SET) == 0);
	must(!munmap(area, pages * PAGE));
	return fd;
}

/* Its pages leave the page cache. */
static inline void forget(int fd)
{
	fsync(fd);
	must(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

static inline void all_read(int fd, char *area, unsigned long length)
{
	while (length) {
		ssize_t got = read(fd, area, length);

		must(got > 0);
		area += got;
		length -= got;
	}
}

static inline void all_written(int fd, const char *area, unsigned long length)
{
	while (length) {
		ssize_t put = write(fd, area, length);

		must(put > 0);
		area += put;
		length -= put;
	}
}

#endif
