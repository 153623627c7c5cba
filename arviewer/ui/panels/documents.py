"""Reports and documents of the patient on show, and of nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from arviewer.model.study import Attachment, AttachmentKind, Patient
from arviewer.words import _

KINDS = {AttachmentKind.REPORT: _("Report"), AttachmentKind.PDF: _("PDF")}
"""What is listed, and what it is called."""
DOCUMENT = Qt.ItemDataRole.UserRole
ROWS_SHOWN = 3
"""Rows that are seen without scrolling, where there are so many."""
FRAME_HEIGHT = 10
"""Of the list's border and padding, in pixels."""


def documents_of(attachments: Sequence[Attachment], patient: Patient | None) -> list[Attachment]:
    """Return the reports and PDFs of a patient; none where the images do not say who that is."""
    if patient is None or not (patient.id or patient.name):
        return []
    return [one for one in attachments if one.kind in KINDS and one.patient.key == patient.key]


class DocumentsPanel(QFrame):
    """Lists reports and PDFs; hidden while there are none.

    Signals
    -------
    open_wanted(Attachment)
    """

    open_wanted = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.hides_identity = False
        self._all: tuple[Attachment, ...] = ()
        self._patient: Patient | None = None
        title = QLabel(_("Documents"))
        title.setObjectName("title")
        self.open_button = QPushButton(_("Open Document"))
        self.open_button.setToolTip(_("Show the selected report or document (Enter)"))
        self.open_button.clicked.connect(self._open)
        self.list = QListWidget()
        self.list.setAccessibleName(_("Documents"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemActivated.connect(lambda _item: self._open())
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.others = QLabel()
        self.others.setObjectName("quiet")
        self.others.setToolTip(_("Documents with another name, ID or birth date are not listed."))
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addLayout(head)
        layout.addWidget(self.list)
        layout.addWidget(self.others)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._refresh()

    @property
    def documents(self) -> list[Attachment]:
        """What is listed."""
        return documents_of(self._all, self._patient)

    def show_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Take what a scan found; it is listed when its patient is on show."""
        self._all = tuple(attachments)
        self._refresh()

    def show_patient(self, patient: Patient | None) -> None:
        """List what belongs to the patient on show."""
        self._patient = patient
        self._refresh()

    def hide_identity(self, hidden: bool) -> None:
        """Hide titles, in which anything may stand, or show them again."""
        self.hides_identity = hidden
        self._refresh()

    def selected(self) -> Attachment | None:
        """Return the selected document."""
        item = self.list.currentItem()
        document = item.data(DOCUMENT) if item is not None else None
        return document if isinstance(document, Attachment) else None

    def texts(self) -> list[str]:
        """Return what the list says."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.text() for item in items if item is not None]

    def _refresh(self) -> None:
        self.list.clear()
        for number, one in enumerate(self.documents, 1):
            title = str(number) if self.hides_identity else one.description or one.name
            item = QListWidgetItem(f"{KINDS[one.kind]} · {title}")
            item.setToolTip(item.text() if self.hides_identity else f"{item.text()}\n{one.name}")
            item.setData(DOCUMENT, one)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        listed = self.list.count()
        self.list.setFixedHeight(min(max(listed, 1), ROWS_SHOWN) * max(self.list.sizeHintForRow(0), 16) + FRAME_HEIGHT)
        others = sum(one.kind in KINDS for one in self._all) - listed if self._patient is not None else 0
        self.others.setText(_("{count} more, not of this patient: not listed").format(count=others))
        self.others.setVisible(others > 0)
        self.open_button.setEnabled(listed > 0)
        self.setVisible(listed > 0 or others > 0)

    def _open(self) -> None:
        document = self.selected()
        if document is not None:
            self.open_wanted.emit(document)
