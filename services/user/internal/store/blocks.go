package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/services/user/internal/user"
)

type blockRow struct {
	Subject   string `gorm:"primaryKey"`
	Reason    string
	BlockedBy int64
	Since     int64
}

// TableName implements gorm's Tabler.
func (blockRow) TableName() string { return "block" }

func (r blockRow) block() user.Block {
	return user.Block{Subject: contracts.Subject(r.Subject), Reason: r.Reason, By: user.ID(r.BlockedBy), Since: database.Time(r.Since)}
}

// Blocks implements user.Blocks. Changes take turns: each locks the revision
// first, and raises it.
type Blocks struct{ db *database.DB }

// NewBlocks makes a Blocks.
func NewBlocks(db *database.DB) *Blocks { return &Blocks{db: db} }

// Put implements user.Blocks.
func (s *Blocks) Put(ctx context.Context, b user.Block) (user.Block, error) {
	row := blockRow{Subject: string(b.Subject), Reason: b.Reason, BlockedBy: int64(b.By)}
	err := s.change(ctx, func(ctx context.Context, tx *database.Tx) error {
		var before blockRow
		err := tx.ORM().Where("subject = ?", row.Subject).Take(&before).Error
		if errors.Is(err, database.ErrNotFound) {
			return add(ctx, tx, &row)
		}
		row.Since = before.Since
		if err == nil {
			err = tx.ORM().Save(&row).Error
		}
		return err
	})
	if err != nil {
		return user.Block{}, fmt.Errorf("block: %w", err)
	}
	return row.block(), nil
}

func add(ctx context.Context, tx *database.Tx, row *blockRow) error {
	var n int64
	if err := tx.ORM().Model(&blockRow{}).Count(&n).Error; err != nil {
		return err
	}
	if n >= contracts.MaxBlocks {
		return user.ErrBlocksFull
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return err
	}
	row.Since = database.Micros(now)
	return tx.ORM().Create(row).Error
}

// Remove implements user.Blocks.
func (s *Blocks) Remove(ctx context.Context, subject contracts.Subject) error {
	err := s.change(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM block WHERE subject = ?", string(subject))
		if err == nil && n == 0 {
			err = user.ErrNotBlocked
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("unblock: %w", err)
	}
	return nil
}

func (s *Blocks) change(ctx context.Context, how func(context.Context, *database.Tx) error) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE block_revision SET revision = revision + 1 WHERE id = 1"); err != nil {
			return err
		}
		return how(ctx, tx)
	})
}

// List implements user.Blocks.
func (s *Blocks) List(ctx context.Context) ([]user.Block, error) { return listBlocks(s.db.ORM(ctx)) }

func listBlocks(orm *gorm.DB) ([]user.Block, error) {
	var rows []blockRow
	if err := orm.Order("subject").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list blocks: %w", err)
	}
	blocks := make([]user.Block, len(rows))
	for i, row := range rows {
		blocks[i] = row.block()
	}
	return blocks, nil
}

// Revision counts the changes of the list.
func (s *Blocks) Revision(ctx context.Context) (revision int64, err error) {
	if err = s.db.QueryRow(ctx, revisionQuery).Scan(&revision); err != nil {
		err = fmt.Errorf("read the revision of the blocks: %w", err)
	}
	return revision, err
}

const revisionQuery = "SELECT revision FROM block_revision WHERE id = 1"

// Snapshot returns the list with its revision.
func (s *Blocks) Snapshot(ctx context.Context) (contracts.BlockList, error) {
	var list contracts.BlockList
	err := s.db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.QueryRow(ctx, revisionQuery).Scan(&list.Revision); err != nil {
			return err
		}
		blocks, err := listBlocks(tx.ORM())
		list.Blocks = make(map[contracts.Subject]contracts.Block, len(blocks))
		for _, b := range blocks {
			list.Blocks[b.Subject] = contracts.Block{Since: b.Since}
		}
		return err
	})
	if err != nil {
		return contracts.BlockList{}, fmt.Errorf("read the blocks: %w", err)
	}
	return list, nil
}

// refuseBlocked is user.ErrBlocked when the user is shut out.
func refuseBlocked(tx *database.Tx, id int64) error {
	var n int64
	err := tx.ORM().Model(&blockRow{}).Where("subject = ?", string(contracts.UserSubject(id))).Count(&n).Error
	if err == nil && n > 0 {
		err = user.ErrBlocked
	}
	return err
}
