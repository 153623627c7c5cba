"""The header of an instance: every element, to be searched, stepped through and copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PyQt6.QtGui import QColor, QGuiApplication, QKeySequence, QShortcut
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from arviewer.errors import ArviewerError
from arviewer.model.documents import HeaderDump, HeaderRow
from arviewer.ui import theme
from arviewer.ui.reading import Reading
from arviewer.ui.widgets.slider import JumpSlider
from arviewer.words import _

COLUMNS = (_("Tag"), _("Keyword"), _("VR"), _("Value"))
SIZE = (920, 640)
TAG_WIDTH, KEYWORD_WIDTH, VR_WIDTH = 150, 250, 44
VALUE = 3


@dataclass(frozen=True, slots=True)
class Place:
    """A file whose header can be read: a path, and the member where it is an archive."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.member or self.path.name


class HeaderModel(QAbstractTableModel):
    """The rows of a header for Qt."""

    def __init__(self, *, hides_identity: bool) -> None:
        super().__init__()
        self._hides_identity = hides_identity
        self.rows: tuple[HeaderRow, ...] = ()

    def show_rows(self, rows: Sequence[HeaderRow]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def texts(self, row: HeaderRow) -> tuple[str, str, str, str]:
        """Return what stands in the columns; what may tell who it is reads "hidden" while identity is hidden."""
        hidden = self._hides_identity and row.identifies
        return (row.indent + row.tag, row.keyword, row.vr, _("hidden") if hidden else row.value)

    def matches(self, row: HeaderRow, words: str) -> bool:
        """Return whether a row has `words` in its tag (with or without punctuation), keyword or value."""
        _tag, keyword, _vr, value = self.texts(row)
        plain = words.strip("() ").replace(",", "").replace(" ", "")
        digits = row.tag.strip("()").replace(",", "").casefold()
        return words in keyword.casefold() or words in value.casefold() or (bool(plain) and digits.startswith(plain))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many rows there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many columns there are."""
        return len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            text = self.texts(row)[index.column()]
            return text if role == Qt.ItemDataRole.DisplayRole else text.strip()
        if role == Qt.ItemDataRole.ForegroundRole:
            if not row.tag:
                return QColor(theme.WARNING)
            if index.column() != VALUE or (self._hides_identity and row.identifies):
                return QColor(theme.QUIET)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the title of a column."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None


class _Filter(QSortFilterProxyModel):
    """Lets through the rows in which the words stand; remarks always."""

    def __init__(self, model: HeaderModel) -> None:
        super().__init__()
        self._model = model
        self._words = ""
        self.setSourceModel(model)

    def search(self, words: str) -> None:
        """Show only rows with these words; "" for all."""
        self._words = words.strip().casefold()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Return whether a row is shown."""
        found = self._model.rows[row]
        return not self._words or not found.tag or self._model.matches(found, self._words)


class HeaderDialog(QDialog):
    """Shows the header of one of several files.

    Parameters
    ----------
    title : str
        Whose they are: the description of the series, or of the document.
    places : sequence of Place
        The files of the series, in its order.
    start : int
        Which of them is shown first.
    hides_identity : bool
        What may tell who the patient is reads "hidden".
    """

    def __init__(
        self, parent: QWidget | None, reading: Reading, title: str, places: Sequence[Place], *, start: int = 0,
        hides_identity: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle(_("arviewer – Header"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._reading, self._places, self._hides_identity = reading, tuple(places), hides_identity
        self.model = HeaderModel(hides_identity=hides_identity)
        self.shown = _Filter(self.model)
        self.search = QLineEdit()
        self.search.setPlaceholderText(_("Search tag, keyword or value"))
        self.search.setAccessibleName(_("Search tag, keyword or value"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        self.count = QLabel()
        self.count.setObjectName("quiet")
        self.table = self._table()
        self.file = QLabel()
        self.file.setTextFormat(Qt.TextFormat.PlainText)
        self.file.setObjectName("quiet")
        self.slider, self.number = JumpSlider(), QSpinBox()
        self.copy_button = QPushButton(_("&Copy Rows"))
        self._lay_out(title)
        self.finished.connect(lambda _result: reading.forget())
        self.number.setValue(start + 1)
        self._read(self.number.value())
        self.number.valueChanged.connect(self._read)

    def _table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.shown)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setAccessibleName(_("Header"))
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        down, across = table.verticalHeader(), table.horizontalHeader()
        assert down is not None
        assert across is not None
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(table.fontMetrics().height() + 6)
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        across.setStretchLastSection(True)
        for column, width in enumerate((TAG_WIDTH, KEYWORD_WIDTH, VR_WIDTH)):
            table.setColumnWidth(column, width)
        QShortcut(QKeySequence.StandardKey.Copy, table, self.copy, context=Qt.ShortcutContext.WidgetShortcut)
        return table

    def _lay_out(self, title: str) -> None:
        head = QLabel(title)
        head.setTextFormat(Qt.TextFormat.PlainText)
        head.setFont(theme.font(theme.POINT_SIZE + 1, bold=True))
        searching = QHBoxLayout()
        searching.addWidget(self.search, 1)
        searching.addWidget(self.count)
        stepping = QHBoxLayout()
        for control in (self.slider, self.number):
            control.setRange(1, len(self._places))
            control.setVisible(len(self._places) > 1)
            control.setAccessibleName(_("File of the series"))
        self.number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.number.setSuffix(_(" of {count}").format(count=len(self._places)))
        self.slider.valueChanged.connect(self.number.setValue)
        self.number.valueChanged.connect(self.slider.setValue)
        stepping.addWidget(self.number)
        stepping.addWidget(self.slider, 1)
        self.copy_button.setToolTip(_("Copy the selected rows, or all that are shown (Ctrl+C)"))
        self.copy_button.setAutoDefault(False)
        self.copy_button.clicked.connect(self.copy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.addWidget(head)
        layout.addWidget(self.file)
        layout.addLayout(searching)
        layout.addWidget(self.table, 1)
        layout.addLayout(stepping)
        layout.addWidget(buttons)
        self.resize(*SIZE)
        self.search.setFocus()

    def copy(self) -> None:
        """Put the selected rows on the clipboard, or all that are shown, as lines with tabs between the columns."""
        selection = self.table.selectionModel()
        picked = selection.selectedRows() if selection is not None else []
        numbers = [index.row() for index in picked] or list(range(self.shown.rowCount()))
        lines = []
        for number in sorted(numbers):
            row = self.model.rows[self.shown.mapToSource(self.shown.index(number, 0)).row()]
            lines.append("\t".join(self.model.texts(row)))
        clipboard = QGuiApplication.clipboard()
        assert clipboard is not None
        clipboard.setText("\n".join(lines))

    def _name(self) -> str:
        """Return what the file is called; names of files often hold those of patients."""
        return _("(file name hidden)") if self._hides_identity else self._places[self.number.value() - 1].name

    def _read(self, number: int) -> None:
        place = self._places[number - 1]
        self.file.setText(_("{file}: reading…").format(file=self._name()))
        self._reading.header(place.path, place.member, self._show, self._fail)

    def _show(self, dump: HeaderDump) -> None:
        self.file.setText(self._name())
        top = self.table.rowAt(0)
        self.model.show_rows(dump.rows)
        self.table.scrollTo(self.shown.index(max(top, 0), 0), QAbstractItemView.ScrollHint.PositionAtTop)
        self._search(self.search.text())

    def _fail(self, error: ArviewerError) -> None:
        told = str(error).replace(self._places[self.number.value() - 1].name, self._name())
        self.model.show_rows([HeaderRow(0, "", "", "", line) for line in told.splitlines()])
        self.file.setText(self._name())
        self._search(self.search.text())

    def _search(self, words: str) -> None:
        self.shown.search(words)
        told = _("{shown:,} of {count:,} rows") if words.strip() else _("{count:,} rows")
        self.count.setText(told.format(shown=self.shown.rowCount(), count=len(self.model.rows)))
