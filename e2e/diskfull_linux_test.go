package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The disk of MariaDB is full: orders are refused, and InnoDB, which has no room
// to roll back, may end MariaDB. None that was acknowledged is lost or parked,
// and once there is room again and MariaDB runs, souk sells on by itself.
func TestMariaDBsDiskIsFull(t *testing.T) {
	if !native() || os.Getenv("SOUK_CHAOS") == "" {
		t.Skip("it takes minutes, and native engines: make chaos")
	}
	home := filepath.Join(t.TempDir(), "home")
	s, err := newSouk(filepath.Dir(shared.bin), home)
	if err != nil {
		t.Fatal(err)
	}
	s.infra(t, "up") // makes the home
	s.infra(t, "down")
	wipe(t, filepath.Join(home, "native", "mariadb"))
	disk := smallDisk(t, filepath.Join(home, "native", "mariadb"), "1664m") // of which the redo log takes 1 GiB at once
	t.Cleanup(func() { s.run("down") })
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	c := newChaos(t, s, 1)
	t.Log(c.row(fault{name: "MariaDB's disk is full", inflict: func(c *chaos) { c.fill(disk) }, resumes: time.Minute}))
}

// smallDisk mounts a file system of its own, which only root may.
func smallDisk(t *testing.T, dir, size string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("this machine lets nobody mount a small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all room on a disk until that is felt, and some time longer.
func (c *chaos) fill(disk string) {
	filler := filepath.Join(disk, "filler")
	defer func() {
		if err := os.Remove(filler); err != nil {
			c.t.Error(err)
		}
		c.souk.infra(c.t, "up")
	}()
	customer, sku := c.customers[0], product(c.t, c.souk, 999_999)
	body, err := json.Marshal(buying(sku, 1))
	if err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, 2*time.Minute, "the full disk to be felt", func() bool {
		takeAll(c.t, filler) // also what was set free meanwhile
		return attempt(customer, body).status != http.StatusCreated
	})
	c.last(20 * time.Second)
}

// takeAll makes a file longer until the disk has no room for that.
func takeAll(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, piece := range []string{strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<12)} {
		for err == nil {
			_, err = f.WriteString(piece)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
}
