// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anonymous memory that is written, left, and read back: more of it than there is
 * memory goes through swap.  Fails if a page comes back other than it was written.
 *
 *	hog MEBIBYTES ROUNDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096UL

static unsigned long word(unsigned long page, unsigned long round)
{
	return (page * 0x9e3779b97f4a7c15UL) ^ round;
}

int main(int argc, char **argv)
{
	unsigned long pages, rounds;
	unsigned char *area;

	if (argc != 3) {
		fprintf(stderr, "usage: hog MEBIBYTES ROUNDS\n");
		return 2;
	}
	pages = strtoul(argv[1], NULL, 10) * (1 << 20) / PAGE;
	rounds = strtoul(argv[2], NULL, 10);
	area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED) {
		perror("hog: mmap");
		return 1;
	}
	for (unsigned long round = 0; round <= rounds; round++) {
		for (unsigned long page = 0; page < pages; page++) {
			unsigned long *at = (void *)(area + page * PAGE);
			unsigned long was = word(page, round - 1);
			unsigned long last = PAGE / sizeof(*at) - 1;

			if (round && (at[0] != was || at[last] != ~was)) {
				fprintf(stderr, "hog: page %lu changed\n", page);
				return 1;
			}
			at[0] = word(page, round);
			at[last] = ~at[0];
		}
	}
	return 0;
}
