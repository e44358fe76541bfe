// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel code that moves data between sockets and the memory of a process: copies,
 * sends without a copy, receives without a copy, pages sent from a file.
 *
 *	callers-net DISK [CASE]...
 *
 * DISK is a directory of ext4 on a disk.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "case.h"

#ifndef ETH_P_ALL
#define ETH_P_ALL 3
#endif
#define SEED 3000UL
#define SOME 64
#define LENGTH (SOME * PAGE)

static const char *disk;

struct pair {
	int here, there;
};

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static struct pair tcp_pair(void)
{
	struct sockaddr_in address = loopback();
	socklen_t length = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	struct pair pair = { .here = socket(AF_INET, SOCK_STREAM, 0) };

	must(server >= 0 && pair.here >= 0);
	must(!bind(server, (void *)&address, length) && !listen(server, 1));
	must(!getsockname(server, (void *)&address, &length));
	must(!connect(pair.here, (void *)&address, length));
	pair.there = accept(server, NULL, NULL);
	must(pair.there >= 0);
	close(server);
	return pair;
}

static void hang_up(struct pair pair)
{
	close(pair.here);
	close(pair.there);
}

/* A child that reads `length` bytes of secrets, however they are cut. */
static pid_t reader(int fd, unsigned long pages, unsigned long seed)
{
	pid_t child = fork();

	must(child >= 0);
	if (!child) {
		char *back = small_pages(pages);

		all_read(fd, back, pages * PAGE);
		must(filled(back, pages, seed));
		_exit(0);
	}
	return child;
}

static void tcp(void)
{
	struct pair pair = tcp_pair();
	char *area = secrets(SOME, SEED);

	for (int round = 0; round < 4; round++) {
		pid_t child = reader(pair.there, SOME, SEED);

		all_written(pair.here, area, LENGTH);
		child_succeeded(child);
	}
	hang_up(pair);
}

static void udp(void)
{
	struct sockaddr_in address = loopback();
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char *area = secrets(FEW, SEED), *back = small_pages(FEW);

	must(fd >= 0 && !bind(fd, (void *)&address, length));
	must(!getsockname(fd, (void *)&address, &length));
	must(sendto(fd, area, FEW * PAGE, 0, (void *)&address, length) == FEW * PAGE);
	must(recv(fd, back, FEW * PAGE, 0) == FEW * PAGE);
	must(filled(back, FEW, SEED));
	close(fd);
}

static void unix_sockets(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	char *area = secrets(FEW, SEED);

	for (unsigned long i = 0; i < COUNT(types); i++) {
		int ends[2];
		pid_t child;

		must(!socketpair(AF_UNIX, types[i], 0, ends));
		child = reader(ends[1], FEW, SEED);
		must(write(ends[0], area, FEW * PAGE) == FEW * PAGE);
		child_succeeded(child);
		close(ends[0]);
		close(ends[1]);
	}
}

static void file_to_socket(void)
{
	char path[256];
	struct pair pair = tcp_pair();
	pid_t child = reader(pair.there, SOME, SEED);
	off_t at = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/case.sent", disk);
	fd = file_of(path, SOME, SEED);
	forget(fd);
	while (at < (off_t)LENGTH)
		must(sendfile(pair.here, fd, &at, LENGTH - at) > 0);
	child_succeeded(child);
	close(fd);
	hang_up(pair);
}

static void socket_to_file(void)
{
	char path[256], *area = secrets(FEW, SEED), *back = small_pages(FEW);
	struct pair pair = tcp_pair();
	int ends[2], fd, left = FEW * PAGE;

	snprintf(path, sizeof(path), "%s/case.received", disk);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && !pipe(ends));
	all_written(pair.here, area, FEW * PAGE);
	while (left) {
		int got = splice(pair.there, NULL, ends[1], NULL, left, 0);

		must(got > 0);
		left -= got;
		while (got) {
			int put = splice(ends[0], NULL, fd, NULL, got, 0);

			must(put > 0);
			got -= put;
		}
	}
	must(pread(fd, back, FEW * PAGE, 0) == FEW * PAGE && filled(back, FEW, SEED));
	close(fd);
	close(ends[0]);
	close(ends[1]);
	hang_up(pair);
}

static void pipe_to_socket(void)	/* user pages, by reference, to a socket */
{
	char *area = secrets(FEW, SEED);
	struct iovec pages = { area, FEW * PAGE };
	struct pair pair = tcp_pair();
	pid_t child = reader(pair.there, FEW, SEED);
	int ends[2], left = FEW * PAGE;

	must(!pipe(ends));
	must(vmsplice(ends[1], &pages, 1, 0) == FEW * PAGE);
	while (left) {
		int put = splice(ends[0], NULL, pair.here, NULL, left, 0);

		must(put > 0);
		left -= put;
	}
	child_succeeded(child);
	close(ends[0]);
	close(ends[1]);
	hang_up(pair);
}

/* Over loopback the pages are copied after all: by skb_copy_ubufs, in softirq. */
static void zero_copy_send(void)
{
	struct pair pair = tcp_pair();
	char *area = secrets(SOME, SEED), control[128];
	pid_t child = reader(pair.there, SOME, SEED);
	unsigned long sent = 0;
	int on = 1;

	must(!setsockopt(pair.here, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	while (sent < LENGTH) {
		struct msghdr note = {
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		struct pollfd ready = { .fd = pair.here };
		ssize_t put = send(pair.here, area + sent, LENGTH - sent, MSG_ZEROCOPY);

		must(put > 0);
		sent += put;
		must(poll(&ready, 1, 10000) == 1);
		must(recvmsg(pair.here, &note, MSG_ERRQUEUE) >= 0);
	}
	child_succeeded(child);
	hang_up(pair);
}

static void zero_copy_receive(void)	/* the socket's pages, mapped */
{
	struct pair pair = tcp_pair();
	char *area = secrets(SOME, SEED), *copy = small_pages(SOME);
	char *window = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, pair.there, 0);
	unsigned long got = 0;
	pid_t child = fork();

	must(window != MAP_FAILED && child >= 0);
	if (!child) {
		all_written(pair.here, area, LENGTH);
		_exit(0);
	}
	while (got < LENGTH) {
		struct tcp_zerocopy_receive receive = {
			.address = (unsigned long)window,
			.length = (LENGTH - got) & -PAGE,
			.copybuf_address = (unsigned long)(copy + got),
			.copybuf_len = LENGTH - got,
		};
		socklen_t length = sizeof(receive);
		struct pollfd ready = { .fd = pair.there, .events = POLLIN };

		must(poll(&ready, 1, 10000) == 1);
		must(!getsockopt(pair.there, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &receive,
				 &length));
		if (receive.copybuf_len > 0 && !receive.length) {
			got += receive.copybuf_len;
			continue;
		}
		memcpy(copy + got, window, receive.length);
		got += receive.length;
		if (receive.recv_skip_hint) {
			ssize_t more = read(pair.there, copy + got, receive.recv_skip_hint);

			must(more > 0);
			got += more;
		}
	}
	child_succeeded(child);
	must(filled(copy, SOME, SEED));
	must(!munmap(window, LENGTH));
	hang_up(pair);
}

static void packets_seen(void)	/* a packet socket, with its ring mapped */
{
	struct tpacket_req ring = {
		.tp_block_size = 16 * PAGE, .tp_block_nr = 4,
		.tp_frame_size = 2048, .tp_frame_nr = 128,
	};
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), seen = 0;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char *frames;

	must(fd >= 0);
	must(!setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	must(!bind(fd, (void *)&address, sizeof(address)));
	frames = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(frames != MAP_FAILED);
	udp();
	must(poll(&ready, 1, 10000) == 1);
	for (int i = 0; i < 128; i++) {
		struct tpacket_hdr *frame = (void *)(frames + i * 2048);

		seen += (frame->tp_status & TP_STATUS_USER) != 0;
	}
	must(seen > 0);
	must(!munmap(frames, 64 * PAGE));
	close(fd);
}

static const struct test tests[] = {
	{ "tcp", tcp },
	{ "udp", udp },
	{ "unix", unix_sockets },
	{ "sendfile-tcp", file_to_socket },
	{ "splice-from-tcp", socket_to_file },
	{ "vmsplice-to-tcp", pipe_to_socket },
	{ "msg-zerocopy", zero_copy_send },
	{ "tcp-zerocopy-receive", zero_copy_receive },
	{ "packet-ring", packets_seen },
};

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: callers-net DISK [CASE]...\n");
		return 2;
	}
	disk = argv[1];
	run(tests, COUNT(tests), argv + 2);
	return 0;
}
