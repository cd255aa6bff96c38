package native

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system's user that MariaDB runs as. The server
// refuses root, so root gives it away where it can: to the user "mysql", which
// comes with the package, if that user can reach the data.
type account struct{ uid, gid int }

func ownAccount() account { return account{uid: os.Getuid(), gid: os.Getgid()} }

// serverAccount is the account for the data directory: its owner, or, when it
// is yet to be made, whoever is best for its place. Below a directory that only
// root may enter, root stays root.
func serverAccount(data string) (account, error) {
	info, err := os.Stat(data)
	if err == nil {
		return owner(info), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return account{}, err
	}
	self := ownAccount()
	if !self.isRoot() {
		return self, nil
	}
	entry, err := user.Lookup("mysql")
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return self, nil
	}
	if err != nil {
		return self, err
	}
	reachable, err := passable(filepath.Dir(filepath.Dir(data)))
	if err != nil || !reachable {
		return self, err
	}
	return parseAccount(entry)
}

func owner(info fs.FileInfo) account {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return account{uid: int(stat.Uid), gid: int(stat.Gid)}
	}
	return ownAccount()
}

func parseAccount(entry *user.User) (account, error) {
	uid, err := strconv.Atoi(entry.Uid)
	if err != nil {
		return account{}, fmt.Errorf("uid of %s: %w", entry.Username, err)
	}
	gid, err := strconv.Atoi(entry.Gid)
	if err != nil {
		return account{}, fmt.Errorf("gid of %s: %w", entry.Username, err)
	}
	return account{uid: uid, gid: gid}, nil
}

// letThrough lets everybody pass through root's own directories, not list them.
func letThrough(dirs ...string) error {
	if !ownAccount().isRoot() {
		return nil
	}
	for _, dir := range dirs {
		if err := os.Chmod(dir, 0o711); err != nil {
			return err
		}
	}
	return nil
}

// passable reports whether everybody may pass through dir and all above it.
func passable(dir string) (bool, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false, err
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false, err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return false, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true, nil
		}
		dir = parent
	}
}

func (a account) isRoot() bool { return a.uid == 0 }

// own gives the files to the account.
func (a account) own(paths ...string) error {
	if a == ownAccount() {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, a.uid, a.gid); err != nil {
			return err
		}
	}
	return nil
}

// run makes cmd run as the account.
func (a account) run(cmd *exec.Cmd) {
	if a != ownAccount() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
	}
}
