# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Six C compilations, forks and pipes in a loop, stat of many files.
#
# A little of all that the longer workloads of the stock kernels do, so that one
# boot under an emulator takes a minute or two.
#
# record.sh: --memory 512M
set -euo pipefail
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp LC_ALL=C
mkdir /tmp/mix
cd /tmp/mix

for i in 1 2 3 4 5 6; do
	cat >"tree$i.c" <<-END
	#include <math.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	struct node { struct node *left, *right; int key; double value[8]; };
	static struct node *insert(struct node *node, int key)
	{
		if (!node) {
			node = calloc(1, sizeof(*node));
			node->key = key;
			return node;
		}
		if (key < node->key)
			node->left = insert(node->left, key);
		else
			node->right = insert(node->right, key);
		node->value[key & 7] += sqrt(key);
		return node;
	}
	int run$i(int count)
	{
		struct node *tree = NULL;
		char text[64];
		for (int j = 0; j < count; j++)
			tree = insert(tree, (j * 2654435761u) >> 7);
		return snprintf(text, sizeof(text), "%d %p", count, (void *)tree);
	}
	END
	gcc -O2 -c "tree$i.c" -o "tree$i.o" &
done
wait
ar rc trees.a tree?.o
[ "$(ar t trees.a | wc -l)" = 6 ]

for i in $(seq 60); do
	head -c 100000 /dev/zero | tr '\0' "$((i % 10))" | cat | wc -c >"count.$i"
	[ "$(cat "count.$i")" = 100000 ]
done

find /usr/share/doc -maxdepth 1 | sed -n 1,400p | xargs stat -c %s | sort -n | tail -n 1
