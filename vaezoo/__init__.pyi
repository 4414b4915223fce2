from . import core as core
from . import figures as figures
from . import image as image
from . import restore as restore
from .evaluate.measure import evaluate as evaluate
from .host.hookspecs import ConformanceCase as ConformanceCase
from .host.hookspecs import PartDeclaration as PartDeclaration
from .host.hookspecs import hookimpl as hookimpl
from .host.keeper import plugins as plugins
from .host.register import register_conditioner as register_conditioner
from .host.register import register_decoder as register_decoder
from .host.register import register_encoder as register_encoder
from .host.register import register_loss as register_loss
from .host.register import register_model as register_model
from .host.register import register_prior as register_prior
from .host.settings import settings as settings
from .inspection.explanation import explain as explain
from .publish.saving import load as load
from .publish.saving import save as save
from .restore.enhanced import enhance as enhance
from .train.fitting import fit_prior as fit_prior
from .zoo.create import create as create
from .zoo.create import create_objective as create_objective
from .zoo.info import list_models as list_models
from .zoo.info import model_info as model_info

__version__: str
