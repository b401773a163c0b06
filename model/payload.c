/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue: the families of Linux shellcode that public collections hold, each told by the
 * order of its system calls and nothing else. Where members of a family differ in what can be left
 * out, the shorter one is here: it is the harder one to refuse.
 */
#include "model/payload.h"

#define A(act) GAIT_ACT_##act
/* Counts the acts that follow. */
#define ACTS(...) {__VA_ARGS__}, sizeof((GaitAct[]){__VA_ARGS__}) / sizeof(GaitAct)

static const GaitPayload payloads[] = {
    {"shell", "shell", ACTS(A(EXECUTE))},
    {"shell as another user", "shell", ACTS(A(BECOME_USER), A(EXECUTE))},
    {"shell as another group", "shell", ACTS(A(BECOME_GROUP), A(EXECUTE))},
    {"shell as user and group", "shell", ACTS(A(BECOME_USER), A(BECOME_GROUP), A(EXECUTE))},
    {"shell in a child", "shell", ACTS(A(SPAWN), A(EXECUTE))},
    {"shell on an open connection", "shell",
     ACTS(A(DUPLICATE), A(DUPLICATE), A(DUPLICATE), A(EXECUTE))},
    {"reverse shell", "shell",
     ACTS(A(SOCKET), A(CONNECT), A(DUPLICATE), A(DUPLICATE), A(DUPLICATE), A(EXECUTE))},
    {"reverse shell, descriptors first", "shell",
     ACTS(A(SOCKET), A(DUPLICATE), A(DUPLICATE), A(DUPLICATE), A(CONNECT), A(EXECUTE))},
    {"reverse shell in a child", "shell",
     ACTS(A(SOCKET), A(CONNECT), A(DUPLICATE), A(SPAWN), A(EXECUTE))},
    {"reverse shell with a password", "shell",
     ACTS(A(SOCKET), A(CONNECT), A(READ), A(DUPLICATE), A(DUPLICATE), A(DUPLICATE), A(EXECUTE))},
    {"bind shell", "shell",
     ACTS(A(SOCKET), A(BIND), A(LISTEN), A(ACCEPT), A(DUPLICATE), A(DUPLICATE), A(DUPLICATE),
          A(EXECUTE))},
    {"bind shell on any port", "shell",
     ACTS(A(SOCKET), A(LISTEN), A(ACCEPT), A(DUPLICATE), A(DUPLICATE), A(DUPLICATE), A(EXECUTE))},
    {"bind shell for many", "shell",
     ACTS(A(SOCKET), A(BIND), A(LISTEN), A(ACCEPT), A(SPAWN), A(DUPLICATE), A(DUPLICATE),
          A(DUPLICATE), A(EXECUTE))},
    {"bind shell in a child", "shell",
     ACTS(A(SPAWN), A(SOCKET), A(BIND), A(LISTEN), A(ACCEPT), A(DUPLICATE), A(DUPLICATE),
          A(DUPLICATE), A(EXECUTE))},
    {"shell out of a chroot", "shell",
     ACTS(A(BECOME_USER), A(MAKE_DIRECTORY), A(CHANGE_ROOT), A(CHANGE_DIRECTORY), A(CHANGE_ROOT),
          A(EXECUTE))},

    {"download and run", "dropper",
     ACTS(A(SOCKET), A(CONNECT), A(OPEN_WRITE), A(READ), A(WRITE), A(EXECUTE))},
    {"write and run", "dropper", ACTS(A(OPEN_WRITE), A(WRITE), A(EXECUTE))},
    {"write, make executable and run", "dropper",
     ACTS(A(OPEN_WRITE), A(WRITE), A(CHANGE_MODE), A(EXECUTE))},
    {"run from memory", "dropper", ACTS(A(CREATE_MEMFD), A(WRITE), A(EXECUTE))},
    {"download and run from memory", "dropper",
     ACTS(A(SOCKET), A(CONNECT), A(CREATE_MEMFD), A(READ), A(WRITE), A(EXECUTE))},
    {"second stage into new memory", "stager", ACTS(A(MAP_CODE), A(READ))},
    {"second stage over a new connection", "stager",
     ACTS(A(SOCKET), A(CONNECT), A(MAP_CODE), A(READ))},
    {"second stage from a listener", "stager",
     ACTS(A(SOCKET), A(BIND), A(LISTEN), A(ACCEPT), A(MAP_CODE), A(READ))},
    {"code of one's own", "stager", ACTS(A(MAP_CODE))},

    {"read a file out over the connection", "file", ACTS(A(OPEN_READ), A(READ), A(WRITE))},
    {"send a file over the connection", "file", ACTS(A(OPEN_READ), A(TRANSFER))},
    {"read a file out over a new connection", "file",
     ACTS(A(SOCKET), A(CONNECT), A(OPEN_READ), A(READ), A(WRITE))},
    {"send a file over a new connection", "file",
     ACTS(A(SOCKET), A(CONNECT), A(OPEN_READ), A(TRANSFER))},
    {"copy a file", "file", ACTS(A(OPEN_READ), A(OPEN_WRITE), A(READ), A(WRITE))},
    {"write a file", "file", ACTS(A(OPEN_WRITE), A(WRITE))},
    {"append an account", "file", ACTS(A(OPEN_WRITE), A(SEEK), A(WRITE))},
    {"open a file past its directories", "file", ACTS(A(OPEN_HANDLE), A(READ), A(WRITE))},
    {"remove a file", "file", ACTS(A(REMOVE))},
    {"replace a file", "file", ACTS(A(REMOVE), A(OPEN_WRITE), A(WRITE))},
    {"rename over a file", "file", ACTS(A(RENAME))},
    {"plant a link", "file", ACTS(A(LINK))},
    {"empty a file", "file", ACTS(A(TRUNCATE))},
    {"use a device", "file", ACTS(A(OPEN_READ), A(CONTROL))},

    {"make a file everybody's", "privilege", ACTS(A(CHANGE_MODE))},
    {"own a file and open it up", "privilege", ACTS(A(CHANGE_OWNER), A(CHANGE_MODE))},
    {"become root and open a file up", "privilege", ACTS(A(BECOME_USER), A(CHANGE_MODE))},
    {"give oneself capabilities", "privilege", ACTS(A(SET_CAPABILITIES))},
    {"leave the root", "privilege", ACTS(A(CHANGE_ROOT))},
    {"mount in a namespace of one's own", "privilege", ACTS(A(NAMESPACE), A(MOUNT))},
    {"enter another's namespace", "privilege", ACTS(A(OPEN_READ), A(NAMESPACE))},
    {"take a file system away", "privilege", ACTS(A(UNMOUNT))},
    {"run as it was in older days", "privilege", ACTS(A(CHANGE_PERSONALITY), A(EXECUTE))},

    {"inject by tracing", "process", ACTS(A(TRACE), A(TRACE))},
    {"inject by writing memory", "process", ACTS(A(WRITE_MEMORY))},
    {"take a socket over", "process", ACTS(A(TAKE_DESCRIPTOR), A(WRITE))},
    {"kill what watches", "process", ACTS(A(SIGNAL))},
    {"fork bomb", "process", ACTS(A(SPAWN), A(SPAWN), A(SPAWN))},

    {"scan the network", "network", ACTS(A(SOCKET), A(CONNECT), A(SOCKET), A(CONNECT))},
    {"send without a connection", "network", ACTS(A(SOCKET), A(WRITE))},
    {"serve something", "network",
     ACTS(A(SOCKET), A(BIND), A(LISTEN), A(ACCEPT), A(READ), A(WRITE))},
    {"sniff or forge packets", "network", ACTS(A(RAW_SOCKET), A(READ))},

    {"load a module", "kernel", ACTS(A(LOAD_MODULE))},
    {"load a BPF program", "kernel", ACTS(A(LOAD_BPF))},
    {"calls behind the filter's back", "kernel", ACTS(A(SETUP_URING))},
    {"grope for kernel bugs in the keyring", "kernel", ACTS(A(USE_KEYS))},
    {"reboot", "kernel", ACTS(A(REBOOT))},
    {"rename the host", "kernel", ACTS(A(NAME_HOST))},
};

const GaitPayload *
gait_payloads(guint *n)
{
	*n = G_N_ELEMENTS(payloads);
	return payloads;
}

void
gait_payload_describe(const GaitPayload *payload, GString *out)
{
	for (guint i = 0; i < payload->n_acts; i++)
		g_string_append_printf(out, "%s%s", i ? ", " : "", gait_act_text(payload->acts[i]));
}

gboolean
gait_payload_fits_mask(const GaitPayload *payload, guint64 acts)
{
	for (guint i = 0; i < payload->n_acts; i++)
		if (!(acts >> payload->acts[i] & 1))
			return FALSE;
	return TRUE;
}
