"""Models of many kinds, trained with whatever scikit-learn is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor


def trained() -> dict[str, Any]:
    x, y = _rows()
    return {name: model.fit(x, y) for name, model in _untrained().items()}


def predicted(model: Any) -> list[float]:
    return [float(one) for one in model.predict(_rows()[0])]


def _rows() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.RandomState(7).normal(size=(120, 4))
    return x, (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)


def _untrained() -> dict[str, Any]:
    columns = ColumnTransformer([("scaled", StandardScaler(), [0, 1]), ("binned", KBinsDiscretizer(3), [2, 3])])
    hot = make_pipeline(KBinsDiscretizer(3, encode="ordinal"), OneHotEncoder(), LogisticRegression())
    return {
        "LinearRegression": LinearRegression(),
        "LogisticRegression": LogisticRegression(),
        "GaussianNB": GaussianNB(),
        "SVC": SVC(),
        "DecisionTreeRegressor": DecisionTreeRegressor(random_state=1),
        "RandomForestClassifier": RandomForestClassifier(5, random_state=1),
        "GradientBoostingClassifier": GradientBoostingClassifier(n_estimators=5, random_state=1),
        "HistGradientBoostingClassifier": HistGradientBoostingClassifier(max_iter=5, random_state=1),
        "IsolationForest": IsolationForest(n_estimators=5, random_state=1),
        "KMeans": KMeans(2, n_init=1, random_state=1),
        "KNeighborsClassifier": KNeighborsClassifier(algorithm="kd_tree"),
        "MLPClassifier": MLPClassifier((5,), max_iter=30, random_state=1),
        "with a generator": RandomForestClassifier(2, random_state=np.random.RandomState(3)),
        "PCA and a model": make_pipeline(PCA(2), LogisticRegression()),
        "a pipeline of columns": make_pipeline(columns, LogisticRegression()),
        "a pipeline of codes": hot,
    }
