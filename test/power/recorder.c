/*
 * Records what a process does to the files below a directory, in order, for test/power/recording.ts.
 *
 * Preloaded into a process (LD_PRELOAD). MILLRACE_RECORD_ROOT is the directory, MILLRACE_RECORD_TO another one beside it:
 * `trace` there gets a line per event, and each file that is made is linked there too, under its number, so that its bytes
 * stay readable after it was deleted. LevelDB and millrace only ever append to the files that matter, so a length says which
 * bytes a file had at a moment.
 *
 *   create <file> <name>    rename <from> <to>    unlink <name>       names relative to the root
 *   flush <file> <length>   sync <file> <length>  syncdir <name>      the length that the system, the disk has for sure
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))
#define MOST_FILES 65536

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static ino_t inodes[MOST_FILES];
static int files;
static int trace = -1;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* The part of a path below the root; NULL if it is elsewhere. */
static const char *below(const char *path) {
  const char *root = getenv("MILLRACE_RECORD_ROOT");
  size_t length = root ? strlen(root) : 0;
  if (!root || strncmp(path, root, length) != 0) return NULL;
  if (path[length] == '\0') return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static void line(const char *format, ...) {
  char text[2 * PATH_MAX + 64];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (trace < 0) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/trace", getenv("MILLRACE_RECORD_TO"));
    trace = REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  if (REAL(write)(trace, text, length) != length) abort();
}

/* A recorded file's number, of the newest one with this inode; -1 if it is not recorded. */
static int number_of(int fd, off_t *length) {
  struct stat found;
  if (files == 0 || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return -1;
  *length = found.st_size;
  for (int file = files - 1; file >= 0; file--)
    if (inodes[file] == found.st_ino) return file;
  return -1;
}

static void created(const char *path) {
  const char *name = below(path);
  struct stat found;
  if (!name || stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return;
  for (int file = 0; file < files; file++)
    if (inodes[file] == found.st_ino) return; /* Linked, so its inode is not used again. */
  if (files == MOST_FILES) abort();
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s/%d", getenv("MILLRACE_RECORD_TO"), files);
  if (link(path, copy) != 0) abort();
  inodes[files] = found.st_ino;
  line("create %d %s\n", files++, name);
}

static void flushed(int fd) {
  off_t length;
  pthread_mutex_lock(&mutex);
  int file = number_of(fd, &length);
  if (file >= 0) line("flush %d %lld\n", file, (long long)length);
  pthread_mutex_unlock(&mutex);
}

static int synced(int fd, int (*sync)(int)) {
  off_t length = 0;
  struct stat found;
  pthread_mutex_lock(&mutex);
  int file = number_of(fd, &length);
  pthread_mutex_unlock(&mutex);
  int result = sync(fd);
  if (result != 0) return result;
  pthread_mutex_lock(&mutex);
  if (file >= 0) {
    line("sync %d %lld\n", file, (long long)length);
  } else if (fstat(fd, &found) == 0 && S_ISDIR(found.st_mode)) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t end = readlink(link, path, sizeof path - 1);
    if (end > 0) {
      path[end] = '\0';
      if (below(path)) line("syncdir %s\n", below(path));
    }
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

static int opened(int (*real_open)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (!(flags & O_CREAT) || !below(path)) return real_open(path, flags, mode);
  pthread_mutex_lock(&mutex);
  int fd = real_open(path, flags, mode);
  if (fd >= 0) created(path);
  pthread_mutex_unlock(&mutex);
  return fd;
}

int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return opened(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return opened(REAL(open64), path, flags, mode);
}

static FILE *fopened(FILE *(*real_fopen)(const char *, const char *), const char *path, const char *mode) {
  if (mode[0] == 'r' || !below(path)) return real_fopen(path, mode);
  pthread_mutex_lock(&mutex);
  FILE *file = real_fopen(path, mode);
  if (file) created(path);
  pthread_mutex_unlock(&mutex);
  return file;
}

FILE *fopen(const char *path, const char *mode) { return fopened(REAL(fopen), path, mode); }
FILE *fopen64(const char *path, const char *mode) { return fopened(REAL(fopen64), path, mode); }

int fflush_unlocked(FILE *file) {
  int result = REAL(fflush_unlocked)(file);
  if (file) flushed(fileno(file));
  return result;
}

int fclose(FILE *file) {
  int fd = dup(fileno(file));
  int result = REAL(fclose)(file);
  if (fd >= 0) {
    flushed(fd);
    close(fd);
  }
  return result;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  ssize_t result = REAL(write)(fd, bytes, count);
  flushed(fd);
  return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&mutex);
  int result = REAL(rename)(from, to);
  if (result == 0 && below(from) && below(to)) line("rename %s %s\n", below(from), below(to));
  pthread_mutex_unlock(&mutex);
  return result;
}

int unlink(const char *path) {
  pthread_mutex_lock(&mutex);
  int result = REAL(unlink)(path);
  if (result == 0 && below(path)) line("unlink %s\n", below(path));
  pthread_mutex_unlock(&mutex);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  pthread_mutex_lock(&mutex);
  int result = REAL(mkdir)(path, mode);
  if (result == 0 && below(path)) line("mkdir %s\n", below(path));
  pthread_mutex_unlock(&mutex);
  return result;
}
