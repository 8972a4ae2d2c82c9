"""Online optimizers and their regret.

>>> from coursekit.learning import optim
>>> optim.AdaGrad(0.3).config()
{'name': 'adagrad', 'learning_rate': 0.3, 'initial_memory': 0.1, 'radius': None}
"""

from coursekit.learning.optim.adagrad import AdaGrad
from coursekit.learning.optim.adam import Adam
from coursekit.learning.optim.descent import Descent
from coursekit.learning.optim.ftrl import FTRLProximal
from coursekit.learning.optim.gaussian_belief import GaussianBelief
from coursekit.learning.optim.optimizer import Optimizer
from coursekit.learning.optim.sgd import SGD

__all__ = ["SGD", "AdaGrad", "Adam", "Descent", "FTRLProximal", "GaussianBelief", "Optimizer"]
