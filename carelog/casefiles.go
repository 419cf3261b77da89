package carelog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// MaxCaseFile bounds one attachment, in bytes; a case holds ten times that.
const MaxCaseFile = 10 << 20

const maxCaseFiles = 10 * MaxCaseFile

// Attachment is a document kept in a case. Given is what was handed in, Kept what is
// stored: a picture loses where it was taken.
type Attachment struct {
	ID        anyID     `json:"file_id" format:"uuid"`
	Name      string    `json:"name"`
	MediaType string    `json:"media_type"`
	Size      int       `json:"size"`
	Given     string    `json:"given_hash" doc:"SHA-256 of what was handed in, in hex"`
	Kept      string    `json:"kept_hash" doc:"SHA-256 of what is kept"`
	AddedBy   UserID    `json:"added_by"`
	AddedAt   time.Time `json:"added_at"`
}

// mediaTypes are the kinds of documents that are taken, by the ends of their names.
var mediaTypes = map[string]string{
	".pdf": "application/pdf", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// AddCaseFile keeps a document in a case, sealed under the case's key. Officers and
// supervisors of the office may. Invalid where the bytes are not what the name says,
// of a kind that is not taken, empty or larger than 10 MiB; Conflict where the case
// holds 100 MiB.
func (l *Log) AddCaseFile(ctx context.Context, by Actor, id CaseID, name string, body []byte) (Attachment, error) {
	given := sha256.Sum256(body)
	a := Attachment{Name: strings.TrimSpace(path.Base(strings.ReplaceAll(name, `\`, "/"))), Given: hex.EncodeToString(given[:])}
	var p problems
	a.MediaType = mediaTypes[strings.ToLower(path.Ext(a.Name))]
	switch {
	case len(body) == 0:
		p.add("file", isRequired)
	case len(body) > MaxCaseFile:
		p.add("file", isTooLarge)
	case a.MediaType == "":
		p.add("name", isNoKindOfFile)
	case !isOfType(body, a.MediaType):
		p.add("file", isAnotherType)
	}
	if len(a.Name) > 200 {
		p.add("name", isTooLong)
	}
	if err := p.err(); err != nil {
		return a, err
	}
	body, err := withoutPlace(body, a.MediaType)
	if err != nil {
		return a, invalid("file", isDamaged)
	}
	kept := sha256.Sum256(body)
	a.Kept, a.Size = hex.EncodeToString(kept[:]), len(body)
	return write(ctx, l, by, func(tx txn) (Attachment, error) {
		c, key, err := l.lockCase(ctx, tx, id)
		if err != nil {
			return a, err
		}
		var held int
		if err := tx.QueryRow(ctx, "SELECT coalesce(sum(size), 0) FROM case_files WHERE case_id = $1", id).Scan(&held); err != nil {
			return a, fmt.Errorf("measure the case: %w", err)
		}
		if held+a.Size > maxCaseFiles {
			return a, conflict("the case holds 100 MiB of documents already: keep the others elsewhere, and note their hash")
		}
		a.ID, a.AddedBy, a.AddedAt = anyID(newID[plainKind](tx.now, l.random)), by.User, tx.now
		_, err = tx.Exec(ctx, `INSERT INTO case_files (id, case_id, media_type, size, given_hash, kept_hash, sealed, body, added_by, added_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, a.ID, id, a.MediaType, a.Size, given[:], kept[:],
			key.Seal([]byte(a.Name), "case_files.sealed/"+a.ID.String()), key.Seal(body, "case_files.body/"+a.ID.String()), by.User, tx.now)
		if err != nil {
			return a, fmt.Errorf("keep the document: %w", err)
		}
		tx.audit(c.Office, "case_file_added", anyID(id), "sha256:"+a.Kept)
		return a, nil
	})
}

// CaseFiles lists a case's documents. Officers and supervisors of its office may.
func (l *Log) CaseFiles(ctx context.Context, by Actor, id CaseID) ([]Attachment, error) {
	return read(ctx, l, by, func(tx txn) ([]Attachment, error) {
		c, key, _, err := l.openCase(ctx, tx, id, SeeCases)
		if err != nil {
			return nil, err
		}
		tx.audit(c.Office, "case_read", anyID(id), "documents")
		rows, err := tx.Query(ctx, "SELECT id, media_type, size, given_hash, kept_hash, sealed, added_by, added_at FROM case_files WHERE case_id = $1 ORDER BY id", id)
		if err != nil {
			return nil, fmt.Errorf("list documents: %w", err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Attachment, err error) {
			var given, kept, sealed []byte
			if err = row.Scan(&a.ID, &a.MediaType, &a.Size, &given, &kept, &sealed, &a.AddedBy, &a.AddedAt); err != nil {
				return a, err
			}
			name, err := key.Open(sealed, "case_files.sealed/"+a.ID.String())
			a.Name, a.Given, a.Kept = string(name), hex.EncodeToString(given), hex.EncodeToString(kept)
			return a, err
		})
	})
}

// CaseFileBody reads one document. Officers and supervisors of the case's office may;
// it is audited.
func (l *Log) CaseFileBody(ctx context.Context, by Actor, id CaseID, file anyID) (a Attachment, body []byte, err error) {
	_, err = read(ctx, l, by, func(tx txn) (struct{}, error) {
		c, key, _, err := l.openCase(ctx, tx, id, SeeCases)
		if err != nil {
			return struct{}{}, err
		}
		var sealed, content []byte
		err = tx.QueryRow(ctx, "SELECT media_type, sealed, body FROM case_files WHERE id = $1 AND case_id = $2", file, id).Scan(&a.MediaType, &sealed, &content)
		if none(err) {
			return struct{}{}, notFound("document")
		}
		if err != nil {
			return struct{}{}, fmt.Errorf("read document: %w", err)
		}
		name, err := key.Open(sealed, "case_files.sealed/"+file.String())
		if err != nil {
			return struct{}{}, fmt.Errorf("open the document's name: %w", err)
		}
		if body, err = key.Open(content, "case_files.body/"+file.String()); err != nil {
			return struct{}{}, fmt.Errorf("open the document: %w", err)
		}
		a.ID, a.Name, a.Size = file, string(name), len(body)
		tx.audit(c.Office, "case_file_read", anyID(id), file.String())
		return struct{}{}, nil
	})
	return a, body, err
}

// isOfType looks at the bytes. The office formats are archives that name themselves inside.
func isOfType(body []byte, mediaType string) bool {
	begins := map[string]string{
		mediaTypes[".pdf"]: "%PDF-", mediaTypes[".jpg"]: "\xFF\xD8\xFF", mediaTypes[".png"]: "\x89PNG\r\n\x1A\n", mediaTypes[".docx"]: "PK\x03\x04", mediaTypes[".xlsx"]: "PK\x03\x04",
	}[mediaType]
	if begins == "" || !bytes.HasPrefix(body, []byte(begins)) {
		return false
	}
	if begins != "PK\x03\x04" {
		return true
	}
	part := map[string]string{mediaTypes[".docx"]: "word/", mediaTypes[".xlsx"]: "xl/"}[mediaType]
	return part != "" && bytes.Contains(body, []byte("[Content_Types].xml")) && bytes.Contains(body, []byte(part))
}

// withoutPlace drops from a picture what says where, when and with what it was taken:
// from a JPEG every application segment but JFIF's and Adobe's colours, and comments;
// from a PNG the chunks of text and EXIF. The picture itself is not written anew.
func withoutPlace(body []byte, mediaType string) ([]byte, error) {
	switch mediaType {
	case "image/jpeg":
		return plainJPEG(body)
	case "image/png":
		return plainPNG(body)
	}
	return body, nil
}

var errDamaged = fmt.Errorf("the picture is cut off")

func plainJPEG(body []byte) ([]byte, error) {
	const (
		start, scan, app0, app14, app15, comment = 0xD8, 0xDA, 0xE0, 0xEE, 0xEF, 0xFE
	)
	kept := []byte{0xFF, start}
	for at := 2; ; {
		for at+1 < len(body) && body[at] == 0xFF && body[at+1] == 0xFF { // padding
			at++
		}
		if at+4 > len(body) || body[at] != 0xFF {
			return nil, errDamaged
		}
		marker := body[at+1]
		if marker == scan {
			// After the picture's end nothing is kept: phones put a second one there, with its own place.
			end := bytes.LastIndex(body[at:], []byte{0xFF, 0xD9})
			if next := bytes.Index(body[at:], []byte{0xFF, 0xD9}); next >= 0 {
				end = next
			}
			if end < 0 {
				return nil, errDamaged
			}
			return append(kept, body[at:at+end+2]...), nil
		}
		length := 2 + int(binary.BigEndian.Uint16(body[at+2:]))
		if length < 4 || at+length > len(body) {
			return nil, errDamaged
		}
		if (marker < app0 || marker > app15 || marker == app0 || marker == app14) && marker != comment {
			kept = append(kept, body[at:at+length]...)
		}
		at += length
	}
}

func plainPNG(body []byte) ([]byte, error) {
	const signature = 8
	kept := slices.Clone(body[:signature])
	for at := signature; at+12 <= len(body); {
		length := 12 + int(binary.BigEndian.Uint32(body[at:]))
		if length < 12 || at+length > len(body) {
			return nil, errDamaged
		}
		kind := string(body[at+4 : at+8])
		if !slices.Contains([]string{"eXIf", "tEXt", "zTXt", "iTXt", "tIME"}, kind) {
			kept = append(kept, body[at:at+length]...)
		}
		if kind == "IEND" {
			return kept, nil
		}
		at += length
	}
	return nil, errDamaged
}
