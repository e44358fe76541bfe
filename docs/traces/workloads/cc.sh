# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2086,SC2028,SC2035,SC2012,SC2164
#
# Parallel C build: 40 translation units, make -j4, an archive.  The commands
# are kept as they were when the traces were recorded.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/tmp
mkdir -p /tmp/b && cd /tmp/b
for i in $(seq 1 40); do
cat > f$i.c <<E
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
struct node { struct node *l, *r; int k; double v[8]; };
static struct node *ins(struct node *n, int k){ if(!n){ n=calloc(1,sizeof *n); n->k=k; return n;} if(k<n->k) n->l=ins(n->l,k); else n->r=ins(n->r,k); n->v[k&7]+=sqrt(k); return n; }
int run$i(int c){ struct node *t=0; for(int j=0;j<c;j++) t=ins(t,(j*2654435761u)>>7); char b[256]; snprintf(b,256,"%d %p",c,(void*)t); return (int)strlen(b); }
E
done
{ echo -n "all: "; for i in $(seq 1 40); do echo -n "f$i.o "; done; echo; echo -e "\tar rc libf.a f*.o"; echo '%.o: %.c'; echo -e '\tgcc -O2 -c $< -o $@'; } > Makefile
make -s -j${J:-4}
ls | wc -l
