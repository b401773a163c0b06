/* SPDX-License-Identifier: Apache-2.0 */
/* Thrift with descriptors. */
#include "sysgait/descriptor.h"

#include <unistd.h>

/* For libraries, of which 256 stay open, and for all that is opened for a moment only. */
#define N_RESERVED 320

int
gait_descriptor_keep(int fd)
{
	/* The kernel gives the lowest number that is free, so this one tells how many are taken. */
	if (fd < 0 || fd < sysconf(_SC_OPEN_MAX) - N_RESERVED)
		return fd;
	close(fd);
	return -1;
}
