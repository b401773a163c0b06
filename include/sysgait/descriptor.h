/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that are kept for a task or an address space only because that is faster: there may
 * be more of these than the supervisor may have descriptors. */
#pragma once

/* fd, to be kept; or -1, and it is closed, where it is one of the last that are to be had. Takes
 * -1, too. */
int gait_descriptor_keep(int fd);
