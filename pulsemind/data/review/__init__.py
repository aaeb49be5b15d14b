"""Proofreading: a queue of dialogues on files, decisions that flow back, agreement of reviewers.

`queue` writes what is to be reviewed, `server` shows it in a browser (`labelstudio` in Label
Studio), `decisions` keeps what reviewers decide, `apply` carries it into the dataset.
"""
