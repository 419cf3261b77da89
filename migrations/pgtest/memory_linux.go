package pgtest

import "syscall"

// room is what the test databases and their journal may take.
const room = 4 << 30

// memory is a file system in memory where there is one with room: a database a
// test is a thousand small files. Empty: the system's temporary directory.
func memory() string {
	var fs syscall.Statfs_t
	if syscall.Statfs("/dev/shm", &fs) != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return "/dev/shm"
}
