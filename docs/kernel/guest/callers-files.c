// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel code that moves data between files and the memory of a process: buffered,
 * direct and asynchronous I/O, mappings, pipes, FUSE, and ciphers on user pages.
 *
 *	callers-files DISK SHARE [CASE]...
 *
 * DISK is a directory of ext4 on a disk, SHARE one of a 9p file system.
 */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <linux/fuse.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "case.h"

#define SEED 2000UL
#define SOME 64			/* pages of a file */
#define LENGTH (SOME * PAGE)

static const char *disk, *share;

static const char *named(const char *directory, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/case.%s", directory, name);
	return path;
}

static int holds(int fd, unsigned long seed)
{
	char *area = small_pages(SOME);
	int good;

	must(pread(fd, area, LENGTH, 0) == (ssize_t)LENGTH);
	good = filled(area, SOME, seed);
	must(!munmap(area, LENGTH));
	return good;
}

static void written_and_read(const char *directory)
{
	int fd = file_of(named(directory, "plain"), SOME, SEED);
	char *area = secrets(SOME, SEED + 1);
	struct iovec parts[] = { { area, 100 }, { area + 100, LENGTH - 100 } };

	forget(fd);
	must(holds(fd, SEED));
	must(pwritev(fd, parts, 2, 0) == (ssize_t)LENGTH);
	must(!ftruncate(fd, LENGTH - 10) && !ftruncate(fd, LENGTH));
	must(pwrite(fd, area + LENGTH - 10, 10, LENGTH - 10) == 10);
	forget(fd);
	must(holds(fd, SEED + 1));
	close(fd);
}

static void ext4_buffered(void) { written_and_read(disk); }
static void tmpfs_buffered(void) { written_and_read("/tmp"); }
static void p9_buffered(void) { written_and_read(share); }

static void ext4_mapped(void)
{
	int fd = file_of(named(disk, "mapped"), SOME, SEED);
	char *shared, *private;

	forget(fd);
	shared = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(shared != MAP_FAILED && private != MAP_FAILED);
	fill(private, SOME, SEED + 1);
	must(filled(shared, SOME, SEED));
	fill(shared, SOME, SEED + 2);
	must(!msync(shared, LENGTH, MS_SYNC));
	forget(fd);
	must(holds(fd, SEED + 2) && filled(private, SOME, SEED + 1));
	close(fd);
}

static void direct(void)
{
	int fd = open(named(disk, "direct"), O_RDWR | O_CREAT | O_DIRECT, 0600);
	char *area = secrets(SOME, SEED), *back = small_pages(SOME);

	must(fd >= 0);
	must(write(fd, area, LENGTH) == (ssize_t)LENGTH);
	must(pread(fd, back, LENGTH, 0) == (ssize_t)LENGTH);
	must(filled(back, SOME, SEED));
	close(fd);
}

static void symbolic_links(void)
{
	static const char *const directories[] = { "/mnt", "/tmp" };
	char text[1001], back[1001] = "";

	memset(text, 's', 1000);
	text[1000] = '\0';
	for (unsigned long i = 0; i < COUNT(directories); i++) {
		const char *path = named(directories[i], "link");

		unlink(path);
		must(!symlink(text, path));
		put("/proc/sys/vm/drop_caches", "3");
		must(readlink(path, back, sizeof(back)) == 1000);
		must(!strcmp(text, back));
	}
}

static void directories(void)
{
	char path[256];

	must(!mkdir(named(disk, "directory"), 0700));
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/case.directory/%0100d", disk, i);
		must(!mkdir(path, 0700) && !rmdir(path));
	}
	must(!rmdir(named(disk, "directory")));
}

static void file_to_file(void)
{
	int from = file_of(named(disk, "from"), SOME, SEED);
	int to = open(named(disk, "to"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	off_t in = 0, out = 0;

	must(to >= 0);
	for (off_t sent = 0; sent < (off_t)LENGTH;) {
		ssize_t now = sendfile(to, from, NULL, LENGTH - sent);

		must(now > 0);
		sent += now;
	}
	must(holds(to, SEED));
	must(!ftruncate(to, 0));
	while (out < (off_t)LENGTH)
		must(copy_file_range(from, &in, to, &out, LENGTH - out, 0) > 0);
	must(holds(to, SEED));
	close(from);
	close(to);
}

static void moved_through_pipes(void)
{
	int from = file_of(named(disk, "from"), SOME, SEED);
	int to = open(named(disk, "to"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	int ends[2], copy[2];
	char *area = small_pages(1);

	must(to >= 0 && !pipe(ends) && !pipe(copy));
	for (unsigned long i = 0; i < SOME; i++) {
		must(splice(from, NULL, ends[1], NULL, PAGE, 0) == PAGE);
		must(tee(ends[0], copy[1], PAGE, 0) == PAGE);
		must(splice(ends[0], NULL, to, NULL, PAGE, 0) == PAGE);
		all_read(copy[0], area, PAGE);
		must(filled(area, 1, SEED + i * 512));
	}
	must(holds(to, SEED));
	close(from);
	close(to);
	for (int i = 0; i < 2; i++)
		close(ends[i]), close(copy[i]);
}

static void pages_in_a_pipe(void)
{
	char *area = secrets(FEW, SEED), *back = small_pages(FEW);
	struct iovec pages = { area, FEW * PAGE };
	int ends[2], to = open(named(disk, "to"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(to >= 0 && !pipe(ends));
	must(vmsplice(ends[1], &pages, 1, 0) == FEW * PAGE);
	all_read(ends[0], back, FEW * PAGE);
	must(filled(back, FEW, SEED));
	must(vmsplice(ends[1], &pages, 1, SPLICE_F_GIFT) == FEW * PAGE);
	must(splice(ends[0], NULL, to, NULL, FEW * PAGE, SPLICE_F_MOVE) > 0);
	close(ends[0]);
	close(ends[1]);
	close(to);
}

static void pipe_plain(void)
{
	char *area = secrets(FEW, SEED), *back = small_pages(FEW);
	int ends[2];

	must(!pipe(ends));
	for (int round = 0; round < 16; round++) {
		all_written(ends[1], area, FEW * PAGE);
		all_read(ends[0], back, FEW * PAGE);
		must(filled(back, FEW, SEED));
	}
	close(ends[0]);
	close(ends[1]);
}

static void aio(int flags)
{
	int fd = open(named(disk, "aio"), O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
	char *area = secrets(SOME, SEED), *back = small_pages(SOME);
	struct iocb write = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = fd,
		.aio_buf = (unsigned long)area,
		.aio_nbytes = LENGTH,
	}, read = write, *one = &write;
	struct io_event event;
	aio_context_t context = 0;

	must(fd >= 0 && !syscall(SYS_io_setup, 8, &context));
	must(syscall(SYS_io_submit, context, 1, &one) == 1);
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
	must(event.res == (long long)LENGTH);
	read.aio_lio_opcode = IOCB_CMD_PREAD;
	read.aio_buf = (unsigned long)back;
	one = &read;
	must(syscall(SYS_io_submit, context, 1, &one) == 1);
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
	must(event.res == (long long)LENGTH && filled(back, SOME, SEED));
	must(!syscall(SYS_io_destroy, context));
	close(fd);
}

static void aio_buffered(void) { aio(0); }
static void aio_direct(void) { aio(O_DIRECT); }

/* --- io_uring, by hand: one entry at a time. --- */

struct ring {
	int fd;
	struct io_uring_params params;
	char *submitted, *completed;
	struct io_uring_sqe *entries;
};

static struct ring ring_of(unsigned int flags)
{
	struct ring ring = { .params.flags = flags };
	unsigned long submit, complete;

	ring.fd = syscall(SYS_io_uring_setup, 8, &ring.params);
	must(ring.fd >= 0);
	submit = ring.params.sq_off.array + ring.params.sq_entries * 4;
	complete = ring.params.cq_off.cqes +
		   ring.params.cq_entries * sizeof(struct io_uring_cqe);
	ring.submitted = mmap(NULL, submit, PROT_READ | PROT_WRITE, MAP_SHARED,
			      ring.fd, IORING_OFF_SQ_RING);
	ring.completed = mmap(NULL, complete, PROT_READ | PROT_WRITE, MAP_SHARED,
			      ring.fd, IORING_OFF_CQ_RING);
	ring.entries = mmap(NULL, ring.params.sq_entries * sizeof(struct io_uring_sqe),
			    PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	must(ring.submitted != MAP_FAILED && ring.completed != MAP_FAILED);
	must(ring.entries != MAP_FAILED);
	return ring;
}

static int submit(struct ring *ring, const struct io_uring_sqe *entry)
{
	unsigned int *tail = (void *)(ring->submitted + ring->params.sq_off.tail);
	unsigned int *head = (void *)(ring->completed + ring->params.cq_off.head);
	unsigned int *array = (void *)(ring->submitted + ring->params.sq_off.array);
	unsigned int at = *tail & (ring->params.sq_entries - 1);
	struct io_uring_cqe *done = (void *)(ring->completed + ring->params.cq_off.cqes);
	int result;

	ring->entries[at] = *entry;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	must(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL,
		     0) == 1);
	result = done[*head & (ring->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

static void uring_file(int flags, int fixed)
{
	struct ring ring = ring_of(0);
	int fd = open(named(disk, "uring"), O_RDWR | O_CREAT | O_TRUNC | flags, 0600);
	char *area = secrets(SOME, SEED), *back = small_pages(SOME);
	struct iovec buffers[] = { { area, LENGTH }, { back, LENGTH } };
	struct io_uring_sqe entry = {
		.opcode = fixed ? IORING_OP_WRITE_FIXED : IORING_OP_WRITE,
		.fd = fd,
		.addr = (unsigned long)area,
		.len = LENGTH,
	};

	must(fd >= 0);
	if (fixed)
		must(!syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS,
			      buffers, 2));
	must(submit(&ring, &entry) == (int)LENGTH);
	entry.opcode = fixed ? IORING_OP_READ_FIXED : IORING_OP_READ;
	entry.addr = (unsigned long)back;
	entry.buf_index = fixed;
	if (!flags)
		forget(fd);
	must(submit(&ring, &entry) == (int)LENGTH);
	must(filled(back, SOME, SEED));
	close(fd);
	close(ring.fd);
}

static void uring_buffered(void) { uring_file(0, 0); }
static void uring_direct(void) { uring_file(O_DIRECT, 0); }
static void uring_fixed(void) { uring_file(O_DIRECT, 1); }

/* --- Ciphers on pages of a user: the AF_ALG socket. --- */

static void cipher(void)
{
	struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "skcipher",
		.salg_name = "xts(aes)",
	};
	char control[CMSG_SPACE(4) + CMSG_SPACE(sizeof(struct af_alg_iv) + 16)] = "";
	char key[64], *area = secrets(FEW, SEED), *back = small_pages(FEW);
	struct iovec pages = { area, FEW * PAGE };
	int ends[2], algorithm = socket(AF_ALG, SOCK_SEQPACKET, 0), work;

	for (int i = 0; i < 64; i++)
		key[i] = i;
	must(algorithm >= 0 && !pipe(ends));
	must(!bind(algorithm, (void *)&address, sizeof(address)));
	must(!setsockopt(algorithm, SOL_ALG, ALG_SET_KEY, key, sizeof(key)));
	work = accept(algorithm, NULL, NULL);
	must(work >= 0);
	for (int operation = ALG_OP_ENCRYPT;; operation = ALG_OP_DECRYPT) {
		struct msghdr message = {
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct cmsghdr *part = CMSG_FIRSTHDR(&message);
		struct af_alg_iv *iv;

		part->cmsg_level = SOL_ALG;
		part->cmsg_type = ALG_SET_OP;
		part->cmsg_len = CMSG_LEN(4);
		memcpy(CMSG_DATA(part), &operation, 4);
		part = CMSG_NXTHDR(&message, part);
		part->cmsg_level = SOL_ALG;
		part->cmsg_type = ALG_SET_IV;
		part->cmsg_len = CMSG_LEN(sizeof(*iv) + 16);
		iv = (void *)CMSG_DATA(part);
		iv->ivlen = 16;
		must(sendmsg(work, &message, MSG_MORE) == 0);
		/* No copy: the cipher gets the pages themselves. */
		must(vmsplice(ends[1], &pages, 1, 0) == FEW * PAGE);
		must(splice(ends[0], NULL, work, NULL, FEW * PAGE, 0) == FEW * PAGE);
		all_read(work, back, FEW * PAGE);
		if (operation == ALG_OP_DECRYPT)
			break;
		must(!filled(back, 1, SEED));
		memcpy(area, back, FEW * PAGE);
	}
	must(filled(back, FEW, SEED));
	close(work);
	close(algorithm);
	close(ends[0]);
	close(ends[1]);
}

static void hash(void)
{
	struct sockaddr_alg address = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "sha256",
	};
	int fd = file_of(named(disk, "hashed"), SOME, SEED);
	int algorithm = socket(AF_ALG, SOCK_SEQPACKET, 0), work;
	char *area = secrets(SOME, SEED), one[32], other[32];
	off_t at = 0;

	must(algorithm >= 0);
	must(!bind(algorithm, (void *)&address, sizeof(address)));
	work = accept(algorithm, NULL, NULL);
	must(work >= 0);
	must(send(work, area, LENGTH, 0) == (ssize_t)LENGTH);
	must(read(work, one, 32) == 32);
	must(sendfile(work, fd, &at, LENGTH) == (ssize_t)LENGTH);
	must(read(work, other, 32) == 32);
	must(!memcmp(one, other, 32));
	close(work);
	close(algorithm);
	close(fd);
}

/* --- A file system in this process: FUSE, one file, one page at a time. --- */

static void *serve(void *argument)
{
	int fd = *(int *)argument;
	static char request[1 << 18], answer[1 << 18];

	for (;;) {
		struct fuse_in_header *in = (void *)request;
		struct fuse_out_header *out = (void *)answer;
		void *body = out + 1;
		struct fuse_attr file = {
			.ino = 2, .size = LENGTH, .mode = S_IFREG | 0600, .nlink = 1,
			.blksize = PAGE,
		}, root = { .ino = 1, .mode = S_IFDIR | 0700, .nlink = 2 };

		if (read(fd, request, sizeof(request)) <= 0)
			return NULL;
		memset(answer, 0, sizeof(*out) + 256);
		out->unique = in->unique;
		out->len = sizeof(*out);
		if (in->opcode == FUSE_INIT) {
			*(struct fuse_init_out *)body = (struct fuse_init_out){
				.major = FUSE_KERNEL_VERSION,
				.minor = FUSE_KERNEL_MINOR_VERSION,
				.max_readahead = 1 << 17, .max_write = 1 << 17,
			};
			out->len += sizeof(struct fuse_init_out);
		} else if (in->opcode == FUSE_LOOKUP) {
			*(struct fuse_entry_out *)body = (struct fuse_entry_out){
				.nodeid = 2, .attr = file,
			};
			out->len += sizeof(struct fuse_entry_out);
		} else if (in->opcode == FUSE_GETATTR) {
			*(struct fuse_attr_out *)body = (struct fuse_attr_out){
				.attr = in->nodeid == 1 ? root : file,
			};
			out->len += sizeof(struct fuse_attr_out);
		} else if (in->opcode == FUSE_OPEN) {
			out->len += sizeof(struct fuse_open_out);
		} else if (in->opcode == FUSE_READ) {
			struct fuse_read_in *read = (void *)(in + 1);

			fill(body, read->size / PAGE, SEED + read->offset / PAGE * 512);
			out->len += read->size;
		} else if (in->opcode == FUSE_WRITE) {
			struct fuse_write_in *write = (void *)(in + 1);

			*(struct fuse_write_out *)body = (struct fuse_write_out){
				.size = filled((void *)(write + 1), 1, SEED + 9) *
					write->size,
			};
			out->len += sizeof(struct fuse_write_out);
		} else if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET ||
			   in->opcode == FUSE_INTERRUPT) {
			continue;
		} else if (in->opcode != FUSE_RELEASE && in->opcode != FUSE_FLUSH &&
			   in->opcode != FUSE_DESTROY) {
			out->error = -ENOSYS;
		}
		must(write(fd, answer, out->len) == (ssize_t)out->len);
	}
}

static void fuse(void)
{
	char options[128], *area = secrets(1, SEED + 9);
	int device = open("/dev/fuse", O_RDWR), fd;
	pthread_t server;

	must(device >= 0);
	must(!mkdir("/tmp/fuse", 0700));
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=65536", device);
	must(!mount("case", "/tmp/fuse", "fuse", 0, options));
	must(!pthread_create(&server, NULL, serve, &device));
	fd = open("/tmp/fuse/file", O_RDWR);
	must(fd >= 0);
	must(holds(fd, SEED));
	must(pwrite(fd, area, PAGE, 0) == PAGE);
	close(fd);
	must(!umount("/tmp/fuse"));
	must(!pthread_join(server, NULL));
	close(device);
}

static const struct test tests[] = {
	{ "ext4-buffered", ext4_buffered },
	{ "tmpfs-buffered", tmpfs_buffered },
	{ "9p-buffered", p9_buffered },
	{ "ext4-mmap", ext4_mapped },
	{ "o-direct", direct },
	{ "symlink", symbolic_links },
	{ "directories", directories },
	{ "sendfile", file_to_file },
	{ "pipe", pipe_plain },
	{ "splice-tee", moved_through_pipes },
	{ "vmsplice", pages_in_a_pipe },
	{ "aio-buffered", aio_buffered },
	{ "aio-direct", aio_direct },
	{ "io-uring-buffered", uring_buffered },
	{ "io-uring-direct", uring_direct },
	{ "io-uring-fixed", uring_fixed },
	{ "af-alg-cipher", cipher },
	{ "af-alg-hash", hash },
	{ "fuse", fuse },
};

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: callers-files DISK SHARE [CASE]...\n");
		return 2;
	}
	disk = argv[1];
	share = argv[2];
	run(tests, COUNT(tests), argv + 3);
	return 0;
}
