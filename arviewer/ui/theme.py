"""One dark, calm palette for the window, and the style sheet made of it."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PyQt6.QtWidgets import QApplication

BACKGROUND = "#1b1e23"
PANEL = "#23272e"
RAISED = "#2e343d"
LINE = "#444c58"
TEXT = "#e8eaed"
QUIET = "#aab4c0"
"""Secondary text; 7 : 1 on the panel."""
ACCENT = "#6cb6ff"
"""Focus, selection, the button that is meant."""
ON_ACCENT = "#0d1b2a"
GOOD = "#7fd69a"
WARNING = "#f5c04f"
DANGER = "#ff8a80"

PLANE_COLORS = {"axial": "#ff8f8f", "coronal": "#8fdc8f", "sagittal": "#ffd479", "3d": "#9fc8ff"}
"""Of a plane's name, and of the line that shows it in the other views."""

FAMILIES = ("DejaVu Sans", "Noto Sans", "Liberation Sans")
POINT_SIZE = 10

CHECK = (Path(__file__).parent / "icons" / "check.svg").as_posix()

_STYLE = f"""
QWidget {{ color: {TEXT}; }}
QMainWindow, QDialog {{ background: {BACKGROUND}; }}
QDialog {{ border: 1px solid {LINE}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMenuBar, QToolBar, QStatusBar {{ background: {PANEL}; border: 0; }}
QToolBar {{ spacing: 2px; padding: 2px 4px; border-bottom: 1px solid {LINE}; }}
QToolBar::separator {{ background: {LINE}; width: 1px; margin: 4px 5px; }}
QToolButton {{ padding: 4px 7px; border: 1px solid transparent; border-radius: 4px; }}
QToolButton:hover, QToolButton:checked {{ background: {RAISED}; }}
QToolButton:checked {{ border-color: {LINE}; }}
QToolButton:disabled, QMenu::item:disabled, QLabel:disabled, QCheckBox:disabled {{ color: #7c8592; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; }}
QMenu::item {{ padding: 5px 24px 5px 20px; }}
QMenu::item:selected, QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu::separator {{ background: {LINE}; height: 1px; margin: 4px 8px; }}
QStatusBar::item {{ border: 0; }}
QPushButton {{
    background: {RAISED}; border: 1px solid {LINE}; border-radius: 4px; padding: 5px 12px; min-height: 16px;
}}
QPushButton:hover {{ border-color: {QUIET}; }}
QPushButton:pressed {{ background: {LINE}; }}
QPushButton:checked {{ background: #35506c; border-color: {ACCENT}; }}
QPushButton:disabled {{ color: #7c8592; background: {PANEL}; }}
QPushButton[primary="true"] {{ background: {ACCENT}; color: {ON_ACCENT}; border-color: {ACCENT}; font-weight: bold; }}
QPushButton[primary="true"]:hover {{ background: #8ac6ff; }}
QPushButton[primary="true"]:disabled {{ background: {RAISED}; color: #7c8592; border-color: {LINE}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTreeWidget, QListWidget, QTableWidget, QTableView,
QTextBrowser {{
    background: {BACKGROUND}; border: 1px solid {LINE}; border-radius: 4px; padding: 3px;
    selection-background-color: #35506c; selection-color: {TEXT};
}}
QComboBox QAbstractItemView {{ background: {PANEL}; border: 1px solid {LINE}; }}
QTreeWidget::item, QListWidget::item {{ padding: 3px 0; }}
QTreeWidget::item:selected, QListWidget::item:selected {{ background: #35506c; color: {TEXT}; }}
QHeaderView::section {{ background: {PANEL}; color: {QUIET}; border: 0; padding: 4px; }}
QCheckBox::indicator, QRadioButton::indicator {{
    width: 13px; height: 13px; border: 1px solid {QUIET}; background: {BACKGROUND};
}}
QCheckBox::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 7px; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 {ACCENT}, stop: 0.62 {ACCENT}, stop: 0.7 {BACKGROUND}, stop: 1 {BACKGROUND});
    border-color: {ACCENT};
}}
QCheckBox::indicator:checked {{ background: {ACCENT}; border: 1px solid {ACCENT}; image: url("{CHECK}"); }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {LINE}; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {LINE}; border-radius: 4px; min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QScrollArea {{ border: 0; background: transparent; }}
QProgressBar {{
    background: {BACKGROUND}; border: 1px solid {LINE}; border-radius: 4px; text-align: center; max-height: 16px;
}}
QProgressBar::chunk {{ background: #3d6f9e; border-radius: 3px; }}
QSplitter::handle {{ background: {BACKGROUND}; }}
*:focus {{ border: 1px solid {ACCENT}; }}
QPushButton:focus, QToolButton:focus {{ border: 1px solid {TEXT}; }}
QCheckBox:focus, QRadioButton:focus {{ border: 1px solid {ACCENT}; border-radius: 3px; }}
QFrame#card {{ background: {PANEL}; border-radius: 6px; }}
QFrame#card QScrollArea > QWidget > QWidget {{ background: {PANEL}; }}
QLabel#title {{ font-weight: bold; }}
QLabel#quiet {{ color: {QUIET}; }}
"""


def dress(application: QApplication) -> None:
    """Give the application its look."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setFont(font())
    application.setStyleSheet(_STYLE)


def font(points: float = POINT_SIZE, *, bold: bool = False) -> QFont:
    """Return the interface font, from the families that exist here."""
    here = set(QFontDatabase.families())
    face = QFont(next((family for family in FAMILIES if family in here), QFont().defaultFamily()))
    face.setPointSizeF(points)
    face.setBold(bold)
    return face


def _palette() -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, color in {
        roles.Window: BACKGROUND,
        roles.WindowText: TEXT,
        roles.Base: BACKGROUND,
        roles.AlternateBase: PANEL,
        roles.Text: TEXT,
        roles.PlaceholderText: QUIET,
        roles.Button: RAISED,
        roles.ButtonText: TEXT,
        roles.BrightText: DANGER,
        roles.ToolTipBase: RAISED,
        roles.ToolTipText: TEXT,
        roles.Highlight: "#35506c",
        roles.HighlightedText: TEXT,
        roles.Link: ACCENT,
        roles.Accent: ACCENT,
    }.items():
        palette.setColor(role, QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7c8592"))
    return palette
