package home_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"souk.example/cmd/souk/internal/home"
)

func at(t *testing.T, dir string) home.Home {
	t.Helper()
	h, err := home.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWipeLeavesNothing(t *testing.T) {
	h := at(t, filepath.Join(t.TempDir(), "home"))
	if err := h.Create(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Data(), "order.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the home still stands: %v", err)
	}
	if err := h.Wipe(); err != nil {
		t.Errorf("wiping what is gone: %v", err)
	}
}

func TestForeignDirectoriesAreRefused(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "data")
	if err := os.WriteFile(precious, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := at(t, dir)
	if err := h.Create(); !errors.Is(err, home.ErrNotAHome) {
		t.Errorf("Create: %v", err)
	}
	if err := h.Wipe(); !errors.Is(err, home.ErrNotAHome) {
		t.Errorf("Wipe: %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("a file that is not ours is gone: %v", err)
	}
}

func TestWipeSparesWhatOthersPutThere(t *testing.T) {
	h := at(t, filepath.Join(t.TempDir(), "home"))
	if err := h.Create(); err != nil {
		t.Fatal(err)
	}
	note := filepath.Join(h.Dir(), "notes.txt")
	if err := os.WriteFile(note, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Wipe(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(note); err != nil {
		t.Errorf("a file that is not ours is gone: %v", err)
	}
}
