/* Runs a program whose system calls on one folder fail on demand.
 *
 *   refuse CONTROL FOLDER PROGRAM ARGUMENTS…
 *
 * The program keeps this process; a child of it is told by the kernel of each
 * call that can be refused (seccomp's user notification), and lets it through or
 * answers it with an error. So nothing gets past: not libc, not libgit2, not
 * rustix, which makes its calls without libc and would escape a preload library.
 * CONTROL is a file that both sides map or read and write: `struct control`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, RENAME = 4, OPEN = 8, MMAP = 16, LINK = 32, UNLINK = 64, MKDIR = 128, TRUNCATE = 256, READ = 512, THREAD = 1024 };

struct control {
    uint32_t kinds;     /* refused ones; 0: none, and nothing is counted */
    uint32_t first;     /* the first call that is refused, from 1 on */
    uint32_t for_ever;  /* and all after it */
    uint32_t error;     /* errno */
    uint32_t counted;   /* by this side from here on */
    uint32_t refused;
    uint32_t is_ready;
    uint32_t unused;
    char only[128];     /* part of the path; empty: any in the folder */
    char last[384];     /* the call that was refused last */
};

static volatile struct control *control;
static const char *folder;

struct call { int number, kind; signed char dir, path, dir2, path2, fd; };

/* Where a call has its paths (-2: none; dir -1: the working directory) or its file. */
#define AT(name, kind, dir, path) { SYS_##name, kind, dir, path, -2, -2, -1 }
#define AT2(name, kind, dir, path, dir2, path2) { SYS_##name, kind, dir, path, dir2, path2, -1 }
#define ANY(name, kind) { SYS_##name, kind, -2, -2, -2, -2, -1 }
#define FD(name, kind, fd) { SYS_##name, kind, -2, -2, -2, -2, fd }
static const struct call calls[] = {
    FD(write, WRITE, 0), FD(pwrite64, WRITE, 0), FD(writev, WRITE, 0), FD(pwritev, WRITE, 0),
    FD(copy_file_range, WRITE, 2), FD(sendfile, WRITE, 0),
    FD(fsync, SYNC, 0), FD(fdatasync, SYNC, 0), FD(sync_file_range, SYNC, 0),
    AT2(renameat, RENAME, 0, 1, 2, 3), AT2(renameat2, RENAME, 0, 1, 2, 3),
    AT(openat, OPEN, 0, 1), AT(openat2, OPEN, 0, 1),
    FD(mmap, MMAP, 4),
    AT2(linkat, LINK, 0, 1, 2, 3), AT(symlinkat, LINK, 1, 2),
    AT(unlinkat, UNLINK, 0, 1), AT(mkdirat, MKDIR, 0, 1),
    FD(ftruncate, TRUNCATE, 0), FD(fallocate, TRUNCATE, 0), AT(truncate, TRUNCATE, -1, 0),
    FD(read, READ, 0), FD(pread64, READ, 0), FD(readv, READ, 0),
    ANY(clone, THREAD), ANY(clone3, THREAD),
#ifdef SYS_open
    AT2(rename, RENAME, -1, 0, -1, 1), AT(open, OPEN, -1, 0), AT(creat, OPEN, -1, 0),
    AT2(link, LINK, -1, 0, -1, 1), AT(symlink, LINK, -1, 1),
    AT(unlink, UNLINK, -1, 0), AT(rmdir, UNLINK, -1, 0), AT(mkdir, MKDIR, -1, 0),
#endif
};
enum { CALLS = sizeof calls / sizeof *calls };

static void die(const char *what) {
    perror(what);
    _exit(127);
}

/* Asks the kernel to be told of these calls; returns where it tells. */
static int listen_to_calls(void) {
    struct sock_filter program[CALLS * 4 + 8];
    unsigned short n = 0;
    program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].number == SYS_mmap) {
            /* Memory without a file is not of interest. */
            program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4);
            program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4]));
            program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 1);
            program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
            program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
        } else {
            program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
            program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
        }
    }
    program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = { .len = n, .filter = program };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) die("refuse: no_new_privs");
    int told = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (told < 0) die("refuse: seccomp");
    return told;
}

static void pass_file(int to, int file) {
    char byte = 0, room[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &file, sizeof file);
    if (sendmsg(to, &message, 0) != 1) die("refuse: sendmsg");
}

static int take_file(int from) {
    char byte, room[CMSG_SPACE(sizeof(int))];
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    int file = -1;
    if (recvmsg(from, &message, 0) != 1 || !CMSG_FIRSTHDR(&message)) die("refuse: recvmsg");
    memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
    return file;
}

static int is_inside(const char *path) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* The path of an open file or of the working directory of the process `pid`. */
static void path_of(unsigned pid, int fd, char *path, size_t room) {
    char link[64];
    if (fd < 0) snprintf(link, sizeof link, "/proc/%u/cwd", pid);
    else snprintf(link, sizeof link, "/proc/%u/fd/%d", pid, fd);
    ssize_t length = readlink(link, path, room - 1);
    path[length < 0 ? 0 : length] = 0;
}

/* The path that a call names; a string in the memory of the process. */
static void path_at(unsigned pid, int dir, uint64_t at, char *path, size_t room) {
    char memory[64], name[PATH_MAX] = "";
    snprintf(memory, sizeof memory, "/proc/%u/mem", pid);
    int file = open(memory, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : pread(file, name, sizeof name - 1, (off_t)at);
    if (file >= 0) close(file);
    name[length < 0 ? 0 : length] = 0;
    if (*name == '/') {
        snprintf(path, room, "%s", name);
        return;
    }
    path_of(pid, dir, path, room);
    size_t used = strlen(path);
    snprintf(path + used, room - used, "/%s", name);
}

/* Whether the call is about a file in the folder; notes which. */
static int concerns(const struct call *call, const struct seccomp_notif *told, char *path, size_t room) {
    const __u64 *args = told->data.args;
    if (call->kind == THREAD) return 1;
    int pairs[2][2] = { { call->dir, call->path }, { call->dir2, call->path2 } };
    if (call->fd >= 0) {
        path_of(told->pid, (int)args[call->fd], path, room);
        return is_inside(path);
    }
    for (int i = 0; i < 2; i++) {
        if (pairs[i][1] < 0) continue;
        path_at(told->pid, pairs[i][0] < 0 ? -1 : (int)args[pairs[i][0]], args[pairs[i][1]], path, room);
        if (is_inside(path)) return 1;
    }
    return 0;
}

static int error_for(const struct seccomp_notif *told, int listener) {
    uint32_t kinds = control->kinds;
    const struct call *call = calls;
    while (call < calls + CALLS && call->number != told->data.nr) call++;
    if (call == calls + CALLS || !(kinds & call->kind)) return 0;
    char path[2 * PATH_MAX] = "";
    int is_meant = concerns(call, told, path, sizeof path);
    /* Had it ended meanwhile, what was read is of another process. */
    if (!is_meant || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &told->id)) return 0;
    char only[sizeof control->only];
    memcpy(only, (const char *)control->only, sizeof only);
    const char *inside = *path ? path + strlen(folder) : path;
    if (!strstr(inside, only)) return 0;
    uint32_t count = ++control->counted;
    if (!(count == control->first || (control->for_ever && count > control->first))) return 0;
    char line[sizeof control->last];
    snprintf(line, sizeof line, "call %d on %.300s", call->number, inside);
    memcpy((char *)control->last, line, sizeof line);
    control->refused++;
    return (int)control->error;
}

static void serve(int listener) {
    struct seccomp_notif_sizes sizes;
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)) die("refuse: sizes");
    struct seccomp_notif *told = calloc(1, sizes.seccomp_notif + sizeof *told);
    struct seccomp_notif_resp *answer = calloc(1, sizes.seccomp_notif_resp + sizeof *answer);
    struct pollfd waiting = { .fd = listener, .events = POLLIN };
    for (;;) {
        if (poll(&waiting, 1, -1) < 0 && errno != EINTR) _exit(1);
        /* The last process with these calls has ended. */
        if (waiting.revents & (POLLHUP | POLLERR)) _exit(0);
        memset(told, 0, sizes.seccomp_notif);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, told)) continue;
        memset(answer, 0, sizes.seccomp_notif_resp);
        answer->id = told->id;
        int error = error_for(told, listener);
        if (error) answer->error = -error;
        else answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
    }
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    int shared = open(arguments[1], O_RDWR | O_CLOEXEC), pair[2];
    if (shared < 0) die("refuse: control");
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (control == MAP_FAILED) die("refuse: mmap");
    folder = arguments[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) die("refuse: socketpair");
    pid_t child = fork();
    if (child < 0) die("refuse: fork");
    if (!child) {
        setsid();
        int listener = take_file(pair[1]);
        /* Whoever reads what the program says waits for its end, not for ours. */
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
        close(pair[0]), close(pair[1]);
        control->is_ready = 1;
        serve(listener);
    }
    prctl(PR_SET_PTRACER, child, 0, 0, 0);
    int listener = listen_to_calls();
    pass_file(pair[0], listener);
    close(listener);
    execv(arguments[3], arguments + 3);
    die("refuse: execv");
}
